//! Grows a forest with smartcore, one tree at a time, and takes the trees out as flat arrays.

use serde::Deserialize;
use smartcore::{
    ensemble::{
        random_forest_classifier::{RandomForestClassifier, RandomForestClassifierParameters},
        random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters},
    },
    error::Failed,
    linalg::basic::matrix::DenseMatrix,
    tree::decision_tree_classifier::SplitCriterion,
};
use weft_onnx::{Node, Tree};
use weft_tables::{Examples, Target};

use crate::forest::Forest;

/// How to grow.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) trees: usize,
    pub(crate) max_depth: Option<u16>,
    pub(crate) min_samples_leaf: usize,
    pub(crate) min_samples_split: usize,
    pub(crate) features_per_split: Option<usize>,
    pub(crate) criterion: Criterion,
    /// How many classes there are; 0 for a regression.
    pub(crate) classes: usize,
    pub(crate) seed: u64,
}

/// What makes a split good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Criterion {
    /// Few rows would be named wrongly at random.
    Gini,
    /// Little is left to learn.
    Entropy,
}

/// Why a forest cannot be grown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the forest cannot be grown: {0}")]
    Fit(#[from] Failed),
    #[error("the trees cannot be taken out of the forest: {0}")]
    Shape(#[from] serde_json::Error),
    #[error("the library grew no tree")]
    NoTree,
}

/// Grows a forest; `progress` hears how many trees there are.
pub(crate) fn grow(examples: &Examples, settings: &Settings, progress: impl Fn(usize)) -> Result<Forest, Error> {
    let rows = examples.rows();
    let features = DenseMatrix::new(rows, examples.width, examples.features.clone(), false)?;
    let mut forest = Forest::empty(examples, settings.classes);
    for at in 0..settings.trees {
        let seed = seed(settings.seed, at);
        let grown = match &examples.target {
            Target::Classes(classes) => {
                let labels: Vec<u32> = classes.iter().map(|&it| it as u32).collect();
                let fitted = RandomForestClassifier::fit(&features, &labels, settings.of_classes(seed))?;
                Grown::from_json(serde_json::to_value(&fitted)?)?
            }
            Target::Values(values) => {
                let fitted = RandomForestRegressor::fit(&features, values, settings.of_values(seed))?;
                Grown::from_json(serde_json::to_value(&fitted)?["forest_regressor"].take())?
            }
        };
        let share = 1.0 / settings.trees as f64;
        forest.add(
            grown.tree(examples, settings.classes, share),
            &grown.importances(examples.width),
            &grown.in_bag,
            examples,
        );
        progress(at + 1);
    }
    forest.finish(examples, settings.trees);
    Ok(forest)
}

/// A seed of its own for each tree: one number in, one out, no two alike (SplitMix64).
fn seed(forest: u64, tree: usize) -> u64 {
    let mut mixed = forest.wrapping_add((tree as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl Settings {
    /// The library counts levels of nodes, we count questions on the way down.
    fn levels(&self) -> Option<u16> {
        self.max_depth.map(|it| it.saturating_add(1))
    }

    fn of_classes(&self, seed: u64) -> RandomForestClassifierParameters {
        RandomForestClassifierParameters {
            criterion: match self.criterion {
                Criterion::Gini => SplitCriterion::Gini,
                Criterion::Entropy => SplitCriterion::Entropy,
            },
            max_depth: self.levels(),
            min_samples_leaf: self.min_samples_leaf,
            min_samples_split: self.min_samples_split,
            n_trees: 1,
            m: self.features_per_split,
            keep_samples: true,
            seed,
        }
    }

    fn of_values(&self, seed: u64) -> RandomForestRegressorParameters {
        RandomForestRegressorParameters {
            max_depth: self.levels(),
            min_samples_leaf: self.min_samples_leaf,
            min_samples_split: self.min_samples_split,
            n_trees: 1,
            m: self.features_per_split,
            keep_samples: true,
            seed,
        }
    }
}

/// A forest of one tree as the library serialises it: its trees have no other door.
#[derive(Deserialize)]
struct Raw {
    trees: Vec<RawTree>,
    samples: Vec<Vec<bool>>,
}

#[derive(Deserialize)]
struct RawTree {
    nodes: Vec<RawNode>,
}

#[derive(Deserialize)]
struct RawNode {
    output: f64,
    /// How many rows reached it; only trees of classes say so.
    #[serde(default)]
    n_node_samples: Option<f64>,
    split_feature: usize,
    split_value: Option<f64>,
    split_score: Option<f64>,
    true_child: Option<usize>,
    false_child: Option<usize>,
}

/// One tree, and the rows it learned from.
struct Grown {
    nodes: Vec<RawNode>,
    in_bag: Vec<bool>,
}

impl Grown {
    fn from_json(json: serde_json::Value) -> Result<Self, Error> {
        let Raw { mut trees, mut samples } = serde_json::from_value(json)?;
        let (Some(tree), Some(in_bag)) = (trees.pop(), samples.pop()) else { return Err(Error::NoTree) };
        Ok(Self { nodes: tree.nodes, in_bag })
    }

    /// The tree; each leaf holds `share` of a vote, divided among classes as its rows are, or of its mean.
    fn tree(&self, examples: &Examples, classes: usize, share: f64) -> Tree {
        let shape: Vec<Node> = self.nodes.iter().map(|it| it.node(vec![(it.output * share) as f32])).collect();
        let mut tree = Tree { nodes: shape };
        if let Target::Classes(targets) = &examples.target {
            let counts = self.rows_in_leaves(&tree, examples, targets, classes);
            for (node, counts) in tree.nodes.iter_mut().zip(counts) {
                if let Node::Leaf(weights) = node {
                    let total = counts.iter().sum::<usize>().max(1) as f64;
                    *weights = counts.iter().map(|&it| (it as f64 / total * share) as f32).collect();
                }
            }
        }
        tree
    }

    /// How many rows of each class the tree learned from ended at each node.
    fn rows_in_leaves(&self, tree: &Tree, examples: &Examples, targets: &[usize], classes: usize) -> Vec<Vec<usize>> {
        let mut counts = vec![vec![0; classes]; self.nodes.len()];
        for ((row, class), in_bag) in examples.iter().zip(targets).zip(&self.in_bag) {
            if let (true, Some(leaf)) = (*in_bag, tree.leaf_id(row)) {
                counts[leaf][*class] += 1;
            }
        }
        counts
    }

    /// How much each feature made the tree purer, in shares that add up to 1.
    fn importances(&self, width: usize) -> Vec<f64> {
        let mut gains = vec![0.0; width];
        for node in self.nodes.iter().filter(|it| it.true_child.is_some()) {
            let gain = node.split_score.unwrap_or(0.0) * node.n_node_samples.unwrap_or(1.0);
            if let Some(sum) = gains.get_mut(node.split_feature) {
                *sum += gain.max(0.0);
            }
        }
        let total: f64 = gains.iter().sum();
        gains.into_iter().map(|it| if total > 0.0 { it / total } else { 0.0 }).collect()
    }
}

impl RawNode {
    fn node(&self, leaf: Vec<f32>) -> Node {
        match (self.true_child, self.false_child, self.split_value) {
            (Some(low), Some(high), Some(value)) => {
                Node::Split { feature: self.split_feature, threshold: at_most(value), low, high }
            }
            _ => Node::Leaf(leaf),
        }
    }
}

/// The largest `f32` up to `value`: every `f32` lies on the same side of both.
fn at_most(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) > value { near.next_down() } else { near }
}

/// The first tree of a forest of classes, each leaf voting for the one class the library gives it.
#[cfg(test)]
pub(crate) fn hard_tree(forest: serde_json::Value, classes: usize) -> Tree {
    let grown = Grown::from_json(forest).unwrap();
    let vote = |class: f64| (0..classes).map(|it| if it as f64 == class { 1.0 } else { 0.0 }).collect();
    Tree { nodes: grown.nodes.iter().map(|it| it.node(vote(it.output))).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_keeps_every_single_precision_number_on_its_side() {
        for (low, high) in [(0.1_f32, 0.1_f32.next_up()), (-3.7, (-3.7_f32).next_up()), (1e-38, 2e-38), (7.0, 8.0)] {
            let middle = f64::midpoint(f64::from(low), f64::from(high));
            assert!(low <= at_most(middle) && high > at_most(middle), "{low}");
        }
    }

    #[test]
    fn trees_have_seeds_of_their_own() {
        let seeds: std::collections::BTreeSet<u64> = (0..1000).map(|tree| seed(1, tree)).collect();
        assert_eq!(seeds.len(), 1000);
        assert_ne!(seed(1, 0), seed(2, 0));
    }
}
