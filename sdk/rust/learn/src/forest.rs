//! Random forests: what they answer, how good they are by the rows a tree did not see, and which features matter.

mod grow;

use serde::Deserialize;
use smartcore::{error::Failed, metrics};
use weft_onnx::{Builder, Tree};
use weft_tables::{Examples, Target, Task, Transform};

use crate::Model;

/// How many points a curve over the number of trees has at most.
const POINTS: usize = 50;

/// How to grow.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How many trees.
    pub trees: usize,
    /// How many questions a tree may ask of a row.
    pub max_depth: Option<u16>,
    /// How many rows a leaf must hold.
    pub min_samples_leaf: usize,
    /// How many rows a node must hold to be split.
    pub min_samples_split: usize,
    /// How many features are tried at a split; the root of their number, where none is given.
    pub features_per_split: Option<usize>,
    /// What makes a split of classes good.
    pub criterion: Criterion,
    /// How many classes there are; 0 for a regression.
    pub classes: usize,
    /// The same seed grows the same trees.
    pub seed: u64,
}

/// What makes a split good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Criterion {
    /// Few rows would be named wrongly at random.
    Gini,
    /// Little is left to learn.
    Entropy,
}

/// Why a forest cannot be grown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The library found none.
    #[error("the forest cannot be grown: {0}")]
    Fit(#[from] Failed),
    /// The library's trees have another form than is known.
    #[error("the trees cannot be taken out of the forest: {0}")]
    Shape(#[from] serde_json::Error),
    /// The library gave no tree.
    #[error("the library grew no tree")]
    NoTree,
}

/// Grows a forest on rows without gaps; `progress` hears how many trees there are.
///
/// # Errors
/// When the library grows none.
pub fn fit(examples: &Examples, settings: &Settings, progress: impl Fn(usize)) -> Result<Forest, Error> {
    grow::grow(examples, settings, progress)
}

/// A grown forest.
#[derive(Debug, Clone)]
pub struct Forest {
    /// The trees; what their leaves hold adds up to the answer.
    pub trees: Vec<Tree>,
    /// How much each feature contributes, in shares.
    pub importances: Vec<f64>,
    /// Accuracy or R² by the trees that did not learn from the row.
    pub out_of_bag: f64,
    /// How many numbers a leaf holds.
    outputs: usize,
    is_classifier: bool,
    /// Per row, the sum of the trees that did not learn from it, and how many these are.
    unseen: Vec<(Vec<f32>, u32)>,
}

impl Forest {
    /// No tree yet.
    fn empty(examples: &Examples, classes: usize) -> Self {
        let is_classifier = matches!(examples.target, Target::Classes(_));
        let outputs = if is_classifier { classes } else { 1 };
        Self {
            trees: Vec::new(),
            importances: vec![0.0; examples.width],
            out_of_bag: f64::NAN,
            outputs,
            is_classifier,
            unseen: vec![(vec![0.0; outputs], 0); examples.rows()],
        }
    }

    /// Adds a tree and counts its votes on the rows it did not learn from.
    fn add(&mut self, tree: Tree, importances: &[f64], in_bag: &[bool], examples: &Examples) {
        for ((row, in_bag), (sums, trees)) in examples.iter().zip(in_bag).zip(&mut self.unseen) {
            if let (false, Some(leaf)) = (*in_bag, tree.leaf(row)) {
                add(sums, leaf);
                *trees += 1;
            }
        }
        self.importances.iter_mut().zip(importances).for_each(|(sum, it)| *sum += it);
        self.trees.push(tree);
    }

    /// Settles importances and the measure by unseen rows.
    fn finish(&mut self, examples: &Examples, trees: usize) {
        let total: f64 = self.importances.iter().sum();
        self.importances.iter_mut().for_each(|it| *it /= if total > 0.0 { total } else { 1.0 });
        let unseen = std::mem::take(&mut self.unseen);
        let judged: Vec<usize> = (0..unseen.len()).filter(|&row| unseen[row].1 > 0).collect();
        // A leaf holds a share of the whole forest; fewer trees judged this row.
        let scale = |(sums, judges): &(Vec<f32>, u32)| {
            sums.iter().map(|it| it * trees as f32 / *judges as f32).collect::<Vec<f32>>()
        };
        let answers = self.answers(judged.iter().map(|&row| scale(&unseen[row])));
        self.out_of_bag = score(&examples.pick(&judged).target, &answers);
    }

    /// The sums of the leaves: probabilities of the classes, or the value.
    #[must_use]
    pub fn sums(&self, row: &[f32]) -> Vec<f32> {
        let mut sums = vec![0.0; self.outputs];
        self.trees.iter().filter_map(|tree| tree.leaf(row)).for_each(|leaf| add(&mut sums, leaf));
        sums
    }

    /// How good the first trees would be on their own: pairs of how many and accuracy or R².
    #[must_use]
    pub fn curve(&self, held: &Examples) -> Vec<(usize, f64)> {
        let step = self.trees.len().div_ceil(POINTS).max(1);
        let mut sums = vec![vec![0.0; self.outputs]; held.rows()];
        let mut curve = Vec::new();
        for (at, tree) in self.trees.iter().enumerate() {
            for (row, sums) in held.iter().zip(&mut sums) {
                add(sums, tree.leaf(row).unwrap_or_default());
            }
            let trees = at + 1;
            if trees % step == 0 || trees == self.trees.len() {
                let scale = self.trees.len() as f32 / trees as f32;
                let scaled = sums.iter().map(|sums| sums.iter().map(|it| it * scale).collect());
                curve.push((trees, score(&held.target, &self.answers(scaled))));
            }
        }
        curve
    }

    fn answers(&self, sums: impl Iterator<Item = Vec<f32>>) -> Target {
        if self.is_classifier {
            Target::Classes(sums.map(|it| largest(&it)).collect())
        } else {
            Target::Values(sums.map(|it| it.first().copied().map_or(f64::NAN, f64::from)).collect())
        }
    }
}

impl Model for Forest {
    fn answer(&self, row: &[f32]) -> Vec<f64> {
        self.sums(row).into_iter().map(f64::from).collect()
    }

    fn importances(&self, _seen: &Examples) -> Vec<f64> {
        self.importances.clone()
    }

    /// Gaps are filled, then the trees decide.
    fn onnx(&self, transform: &Transform) -> Result<Vec<u8>, weft_onnx::Error> {
        let mut model = Builder::new("random-forest", transform.features.len());
        if let Some(fills) = transform.fills() {
            model = model.impute(&fills)?;
        }
        model = match transform.task {
            Task::Classification => model.tree_classifier(&self.trees, &transform.class_labels())?,
            Task::Regression => model.tree_regressor(&self.trees)?,
        };
        transform.notes().into_iter().fold(model, |model, (key, value)| model.note(key, value)).encode()
    }

    fn nodes(&self) -> Option<usize> {
        Some(self.trees.iter().map(|it| it.nodes.len()).sum())
    }
}

/// Accuracy of classes, R² of values.
fn score(truth: &Target, found: &Target) -> f64 {
    match (truth, found) {
        (Target::Classes(truth), Target::Classes(found)) if !truth.is_empty() => {
            truth.iter().zip(found).filter(|(truth, found)| truth == found).count() as f64 / truth.len() as f64
        }
        (Target::Values(truth), Target::Values(found)) if !truth.is_empty() => metrics::r2(truth, found),
        _ => f64::NAN,
    }
}

fn add(sums: &mut [f32], leaf: &[f32]) {
    sums.iter_mut().zip(leaf).for_each(|(sum, it)| *sum += it);
}

/// The place of the largest number, the first where several are.
fn largest(numbers: &[f32]) -> usize {
    let mut best = 0;
    for (at, number) in numbers.iter().enumerate() {
        if *number > numbers[best] {
            best = at;
        }
    }
    best
}

#[cfg(test)]
mod tests;
