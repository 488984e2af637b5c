//! A column is dealt out anew among the rows: what a model loses by it is what it took from that column.

use rand::{SeedableRng as _, seq::SliceRandom as _, seq::index};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use weft::{Failure, model::Tensor};
use weft_learn::{Measures, Metric, seed};
use weft_scoring::{Answer, Scored};
use weft_tables::Examples;

/// What a model loses without a feature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Importance {
    pub(crate) feature: String,
    /// The mean over the deals.
    pub(crate) mean: f64,
    /// The standard deviation over the deals.
    pub(crate) std: f64,
}

/// What says how good a model is on rows.
pub(crate) struct Judge<'a, I> {
    pub(crate) model: &'a Scored,
    pub(crate) metric: Metric,
    pub(crate) batch: usize,
    pub(crate) infer: I,
}

impl<I: Fn(&Tensor) -> Result<Vec<Tensor>, Failure>> Judge<'_, I> {
    /// How good the model is where rows have these features.
    pub(crate) fn score(&self, rows: &Examples, features: &[f32]) -> Result<f64, Failure> {
        let answer = self.model.answer(features, self.batch, &self.infer, |_| ())?;
        let answers: Vec<Vec<f64>> = match answer {
            Answer::Values(values) => values.into_iter().map(|it| vec![it]).collect(),
            Answer::Classes { found, probabilities } => in_shares(&found, probabilities, self.metric, self.classes())?,
        };
        let measures = Measures::of_answers(&rows.target, &answers);
        measures
            .get(self.metric)
            .ok_or_else(|| Failure::invalid("other-task", "the model answers in another kind than the label asks for"))
    }

    /// What it loses when the column `at` is dealt out anew, several times.
    pub(crate) fn importance(
        &self,
        feature: &str,
        at: usize,
        base: f64,
        rows: &Examples,
        repeats: usize,
        by: u64,
    ) -> Result<Importance, Failure> {
        let mut features = rows.features.clone();
        let mut losses = Vec::with_capacity(repeats);
        for repeat in 0..repeats {
            let mut column: Vec<f32> = rows.iter().map(|row| row[at]).collect();
            column.shuffle(&mut ChaCha8Rng::seed_from_u64(seed(seed(by, at), repeat)));
            features.chunks_exact_mut(rows.width).zip(column).for_each(|(row, value)| row[at] = value);
            let score = self.score(rows, &features)?;
            losses.push(if self.metric.rises() { base - score } else { score - base });
        }
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        let std = (losses.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / losses.len() as f64).sqrt();
        Ok(Importance { feature: feature.to_owned(), mean, std })
    }

    fn classes(&self) -> usize {
        self.model.transform.classes.len()
    }
}

/// How likely each class is. What the model says is the class it answers, even where its shares are equal; only the
/// surprise needs the shares themselves.
fn in_shares(
    found: &[usize],
    probabilities: Option<Vec<Vec<f64>>>,
    metric: Metric,
    classes: usize,
) -> Result<Vec<Vec<f64>>, Failure> {
    if metric == Metric::LogLoss {
        return probabilities
            .ok_or_else(|| Failure::invalid("bad-params", "log_loss needs a model that tells how likely classes are"));
    }
    let sure = |class: &usize| (0..classes).map(|it| if it == *class { 1.0 } else { 0.0 }).collect();
    Ok(found.iter().map(sure).collect())
}

/// So many rows, drawn by the seed and in their order; all, where 0 or more than there are asked for.
pub(crate) fn drawn(all: &Examples, rows: usize, by: u64) -> Examples {
    if rows == 0 || rows >= all.rows() {
        return all.clone();
    }
    let mut drawn = index::sample(&mut ChaCha8Rng::seed_from_u64(by), all.rows(), rows).into_vec();
    drawn.sort_unstable();
    all.pick(&drawn)
}
