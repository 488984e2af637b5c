//! How good a regression is.

use serde::Serialize;
use smartcore::metrics;

/// A page shows at most this many points.
const POINTS: usize = 400;

/// How good a regression is.
#[derive(Debug, Serialize)]
pub(crate) struct Regression {
    pub(crate) task: &'static str,
    pub(crate) rows: usize,
    pub(crate) mae: f64,
    pub(crate) rmse: f64,
    pub(crate) r2: f64,
    /// What always answering with the mean would be off by, in the root of the mean square.
    pub(crate) mean_rmse: f64,
    /// Pairs of what is true and what was found: all, or every so many.
    pub(crate) points: Vec<(f64, f64)>,
    /// How far each answer is above the truth, in equal bins.
    pub(crate) errors: Errors,
}

/// A histogram of errors.
#[derive(Debug, Serialize)]
pub(crate) struct Errors {
    pub(crate) edges: Vec<f64>,
    pub(crate) counts: Vec<usize>,
}

impl Regression {
    /// Compares what was found with the truth.
    pub(crate) fn of(truth: &Vec<f64>, found: &Vec<f64>) -> Self {
        let mean = vec![truth.iter().sum::<f64>() / truth.len() as f64; truth.len()];
        let step = truth.len().div_ceil(POINTS).max(1);
        Self {
            task: "regression",
            rows: truth.len(),
            mae: metrics::mean_absolute_error(truth, found),
            rmse: metrics::mean_squared_error(truth, found).sqrt(),
            r2: metrics::r2(truth, found),
            mean_rmse: metrics::mean_squared_error(truth, &mean).sqrt(),
            points: truth.iter().copied().zip(found.iter().copied()).step_by(step).collect(),
            errors: Errors::of(truth.iter().zip(found).map(|(truth, found)| found - truth).collect()),
        }
    }

    /// The numbers for the record of the run.
    pub(crate) fn metrics(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("mae", self.mae),
            ("rmse", self.rmse),
            ("r2", self.r2),
            ("mean_rmse", self.mean_rmse),
            ("rows", self.rows as f64),
        ]
    }
}

impl Errors {
    fn of(errors: Vec<f64>) -> Self {
        const BINS: usize = 20;
        let finite: Vec<f64> = errors.into_iter().filter(|it| it.is_finite()).collect();
        let (low, high) = finite.iter().fold((0.0_f64, 0.0_f64), |(low, high), it| (low.min(*it), high.max(*it)));
        let width = if high > low { (high - low) / BINS as f64 } else { 1.0 };
        let mut counts = vec![0; BINS];
        for error in finite {
            counts[(((error - low) / width) as usize).min(BINS - 1)] += 1;
        }
        Self { edges: (0..=BINS).map(|at| low + width * at as f64).collect(), counts }
    }
}
