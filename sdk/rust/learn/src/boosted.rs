//! Gradient boosted trees: each tree learns what those before it are still off by.

mod grow;
mod loss;

use rand::{SeedableRng as _, seq::index};
use rand_chacha::ChaCha8Rng;
use smartcore::{error::Failed, linalg::basic::matrix::DenseMatrix};
use weft_onnx::{Builder, Tree};
use weft_tables::{Examples, Task, Transform};

use self::loss::Loss;
use crate::{Measures, Metric, Model, seed};

/// How many points a curve over the number of stages has at most.
const POINTS: usize = 50;

/// How to boost.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How many stages; each adds a tree, or one per class where there are more than two.
    pub stages: usize,
    /// What share of its answer a tree adds.
    pub learning_rate: f64,
    /// How many questions a tree may ask of a row.
    pub max_depth: u16,
    /// How many rows a leaf must hold.
    pub min_samples_leaf: usize,
    /// How many rows a node must hold to be split.
    pub min_samples_split: usize,
    /// The share of rows, drawn anew at each stage, that its trees learn from.
    pub subsample: f64,
    /// How many classes there are; 0 for a regression.
    pub classes: usize,
    /// The same seed grows the same trees.
    pub seed: u64,
}

/// Why nothing can be boosted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The library grew no tree.
    #[error("the trees cannot be grown: {0}")]
    Fit(#[from] Failed),
    /// The library's trees have another form than is known.
    #[error("the trees cannot be taken out of the library: {0}")]
    Shape(#[from] serde_json::Error),
    /// There is nothing to tell apart.
    #[error("a classification needs rows of two classes or more")]
    OneClass,
}

/// Boosted trees.
#[derive(Debug, Clone)]
pub struct Boosted {
    /// The trees, stage by stage; what their leaves hold adds up to the scores.
    pub trees: Vec<Tree>,
    /// The scores before any tree.
    pub base: Vec<f32>,
    /// How much each feature contributes, in shares.
    pub importances: Vec<f64>,
    loss: Loss,
}

/// Boosts on rows without gaps; `progress` hears how many stages there are.
///
/// # Errors
/// When there is but one class, or the library grows no tree.
pub fn fit(examples: &Examples, settings: &Settings, progress: impl Fn(usize)) -> Result<Boosted, Error> {
    let loss = Loss::of(&examples.target, settings.classes).ok_or(Error::OneClass)?;
    let base = loss.base(&examples.target);
    let mut boosted = Boosted { trees: Vec::new(), importances: vec![0.0; examples.width], base, loss };
    let mut scores: Vec<Vec<f64>> =
        (0..examples.rows()).map(|_| boosted.base.iter().copied().map(f64::from).collect()).collect();
    for stage in 0..settings.stages {
        boosted.add_stage(examples, settings, stage, &mut scores)?;
        progress(stage + 1);
    }
    let total: f64 = boosted.importances.iter().sum();
    boosted.importances.iter_mut().for_each(|it| *it /= if total > 0.0 { total } else { 1.0 });
    Ok(boosted)
}

impl Boosted {
    /// One tree per score, all of them against what the scores were before.
    fn add_stage(
        &mut self,
        examples: &Examples,
        settings: &Settings,
        stage: usize,
        scores: &mut [Vec<f64>],
    ) -> Result<(), Error> {
        let seed = seed(settings.seed, stage);
        let rows = drawn(examples.rows(), settings.subsample, seed);
        let learned = examples.pick(&rows);
        let features = DenseMatrix::new(rows.len(), examples.width, learned.features.clone(), false)?;
        let before = scores.to_vec();
        for output in 0..self.base.len() {
            let residuals: Vec<f64> =
                rows.iter().map(|&row| self.loss.residual(&examples.target, row, &before[row], output)).collect();
            let shape = grow::shape(&features, &residuals, settings, seed)?;
            let (tree, gains) = grow::filled(shape, &learned, &residuals, |residuals| {
                let step = self.loss.step(residuals, self.base.len()) * settings.learning_rate;
                self.loss.leaf(output, self.base.len(), step as f32)
            });
            self.importances.iter_mut().zip(gains).for_each(|(sum, gain)| *sum += gain);
            for (row, scores) in examples.iter().zip(scores.iter_mut()) {
                scores[output] += f64::from(self.loss.weight(tree.leaf(row).unwrap_or_default(), output));
            }
            self.trees.push(tree);
        }
        Ok(())
    }

    /// The scores of a row: added up in single precision, as runtimes do.
    #[must_use]
    pub fn scores(&self, row: &[f32]) -> Vec<f32> {
        let mut scores = vec![0.0; self.base.len()];
        for (at, tree) in self.trees.iter().enumerate() {
            let output = at % self.base.len();
            scores[output] += self.loss.weight(tree.leaf(row).unwrap_or_default(), output);
        }
        scores.iter().zip(&self.base).map(|(score, base)| score + base).collect()
    }

    /// How good the first stages would be on their own: pairs of how many, and accuracy or R².
    #[must_use]
    pub fn curve(&self, held: &Examples) -> Vec<(usize, f64)> {
        let outputs = self.base.len();
        let stages = self.trees.len() / outputs;
        let step = stages.div_ceil(POINTS).max(1);
        let metric = Metric::usual(if self.loss.is_of_classes() { Task::Classification } else { Task::Regression });
        let mut scores: Vec<Vec<f64>> =
            held.iter().map(|_| self.base.iter().copied().map(f64::from).collect()).collect();
        let mut curve = Vec::new();
        for (at, trees) in self.trees.chunks_exact(outputs).enumerate() {
            for (row, scores) in held.iter().zip(&mut scores) {
                for (output, tree) in trees.iter().enumerate() {
                    scores[output] += f64::from(self.loss.weight(tree.leaf(row).unwrap_or_default(), output));
                }
            }
            if (at + 1) % step == 0 || at + 1 == stages {
                let answers: Vec<Vec<f64>> = scores.iter().map(|it| self.loss.answer(it)).collect();
                let measures = Measures::of_answers(&held.target, &answers);
                curve.push((at + 1, measures.get(metric).unwrap_or(f64::NAN)));
            }
        }
        curve
    }
}

impl Model for Boosted {
    fn answer(&self, row: &[f32]) -> Vec<f64> {
        let scores: Vec<f64> = self.scores(row).into_iter().map(f64::from).collect();
        self.loss.answer(&scores)
    }

    fn importances(&self, _seen: &Examples) -> Vec<f64> {
        self.importances.clone()
    }

    /// Gaps are filled, then the trees decide.
    fn onnx(&self, transform: &Transform) -> Result<Vec<u8>, weft_onnx::Error> {
        let mut model = Builder::new("boosted-trees", transform.features.len());
        if let Some(fills) = transform.fills() {
            model = model.impute(&fills)?;
        }
        model = match transform.task {
            Task::Classification => model.boosted_classifier(&self.trees, &self.base, &transform.class_labels())?,
            Task::Regression => model.boosted_regressor(&self.trees, self.base.first().copied().unwrap_or(0.0))?,
        };
        transform.notes().into_iter().fold(model, |model, (key, value)| model.note(key, value)).encode()
    }

    fn nodes(&self) -> Option<usize> {
        Some(self.trees.iter().map(|it| it.nodes.len()).sum())
    }
}

/// The rows a stage learns from, in their order.
fn drawn(rows: usize, share: f64, seed: u64) -> Vec<usize> {
    if share >= 1.0 {
        return (0..rows).collect();
    }
    let some = ((rows as f64 * share) as usize).clamp(1, rows);
    let mut drawn = index::sample(&mut ChaCha8Rng::seed_from_u64(seed), rows, some).into_vec();
    drawn.sort_unstable();
    drawn
}

#[cfg(test)]
mod tests;
