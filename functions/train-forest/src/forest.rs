//! A grown forest: what it answers, how good it is by the rows a tree did not see, and which features matter.

use smartcore::metrics;
use weft_onnx::Tree;
use weft_tables::{Examples, Target, Transform};

/// How many points a curve over the number of trees has at most.
const POINTS: usize = 50;

/// A grown forest.
#[derive(Debug, Clone)]
pub(crate) struct Forest {
    /// The trees; what their leaves hold adds up to the answer.
    pub(crate) trees: Vec<Tree>,
    /// How much each feature contributes, in shares.
    pub(crate) importances: Vec<f64>,
    /// Accuracy or R² by the trees that did not learn from the row.
    pub(crate) out_of_bag: f64,
    /// How many numbers a leaf holds.
    outputs: usize,
    is_classifier: bool,
    /// Per row, the sum of the trees that did not learn from it, and how many these are.
    unseen: Vec<(Vec<f32>, u32)>,
}

impl Forest {
    /// No tree yet.
    pub(crate) fn empty(examples: &Examples, classes: usize) -> Self {
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
    pub(crate) fn add(&mut self, tree: Tree, importances: &[f64], in_bag: &[bool], examples: &Examples) {
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
    pub(crate) fn finish(&mut self, examples: &Examples, trees: usize) {
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

    /// What the forest answers to each row.
    pub(crate) fn predict(&self, examples: &Examples) -> Target {
        self.answers(examples.iter().map(|row| self.sums(row)))
    }

    /// The sums of the leaves: probabilities of the classes, or the value.
    pub(crate) fn sums(&self, row: &[f32]) -> Vec<f32> {
        let mut sums = vec![0.0; self.outputs];
        self.trees.iter().filter_map(|tree| tree.leaf(row)).for_each(|leaf| add(&mut sums, leaf));
        sums
    }

    /// How good the first trees would be on their own: pairs of how many and accuracy or R².
    pub(crate) fn curve(&self, held: &Examples) -> Vec<(usize, f64)> {
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

    /// The features by how much they contribute, the most first.
    pub(crate) fn ranked(&self, transform: &Transform) -> Vec<(String, f64)> {
        let names = transform.features.iter().map(|it| it.name.clone());
        let mut ranked: Vec<_> = names.zip(self.importances.iter().copied()).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
    }

    fn answers(&self, sums: impl Iterator<Item = Vec<f32>>) -> Target {
        if self.is_classifier {
            Target::Classes(sums.map(|it| largest(&it)).collect())
        } else {
            Target::Values(sums.map(|it| it.first().copied().map_or(f64::NAN, f64::from)).collect())
        }
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
