//! Grows a forest with smartcore, one tree at a time, and takes the trees out as flat arrays.

use serde::Deserialize;
use smartcore::{
    ensemble::{
        random_forest_classifier::{RandomForestClassifier, RandomForestClassifierParameters},
        random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters},
    },
    linalg::basic::matrix::DenseMatrix,
    tree::decision_tree_classifier::SplitCriterion,
};
use weft_onnx::{Node, Tree};
use weft_tables::{Examples, Target};

use super::{Criterion, Error, Forest, Settings};
use crate::trees::{RawNode, RawTree, seed};

/// Grows a forest; `progress` hears how many trees there are.
pub(super) fn grow(examples: &Examples, settings: &Settings, progress: impl Fn(usize)) -> Result<Forest, Error> {
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

/// The first tree of a forest of classes, each leaf voting for the one class the library gives it.
#[cfg(test)]
pub(crate) fn hard_tree(forest: serde_json::Value, classes: usize) -> Tree {
    let grown = Grown::from_json(forest).unwrap();
    let vote = |class: f64| (0..classes).map(|it| if it as f64 == class { 1.0 } else { 0.0 }).collect();
    Tree { nodes: grown.nodes.iter().map(|it| it.node(vote(it.output))).collect() }
}
