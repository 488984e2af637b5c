//! What a load came to.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::load::Shot;

/// What a load came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Measured {
    pub(crate) requests: usize,
    pub(crate) errors: usize,
    pub(crate) error_share: f64,
    /// How many of each status from 400 on, and of whatever else went wrong.
    pub(crate) errors_by: BTreeMap<String, usize>,
    pub(crate) seconds: f64,
    /// Good answers per second.
    pub(crate) throughput: f64,
    /// Of good answers; none where there is none.
    pub(crate) latency_ms: Option<Latency>,
    /// The same, one by one and sorted, for the page.
    #[serde(skip)]
    pub(crate) all_ms: Vec<f64>,
}

/// How long answers took, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Latency {
    pub(crate) min: f64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Measured {
    /// Sums it up.
    pub(crate) fn of(shots: &[Shot], seconds: f64) -> Self {
        let mut errors_by = BTreeMap::new();
        let mut all_ms = Vec::new();
        for shot in shots {
            match &shot.outcome {
                Ok(status) if *status < 400 => all_ms.push(shot.ms),
                Ok(status) => *errors_by.entry(status.to_string()).or_insert(0) += 1,
                Err(what) => *errors_by.entry(what.clone()).or_insert(0) += 1,
            }
        }
        all_ms.sort_by(f64::total_cmp);
        let errors = shots.len() - all_ms.len();
        Self {
            requests: shots.len(),
            errors,
            error_share: errors as f64 / shots.len().max(1) as f64,
            errors_by,
            seconds,
            throughput: if seconds > 0.0 { all_ms.len() as f64 / seconds } else { 0.0 },
            latency_ms: Latency::of(&all_ms),
            all_ms,
        }
    }

    /// The numbers for the record of the run.
    pub(crate) fn metrics(&self) -> Vec<(&'static str, f64)> {
        let always = [
            ("requests", self.requests as f64),
            ("errors", self.errors as f64),
            ("error_share", self.error_share),
            ("throughput", self.throughput),
        ];
        let latency = self.latency_ms.map(|it| {
            [("p50_ms", it.p50), ("p90_ms", it.p90), ("p99_ms", it.p99), ("mean_ms", it.mean), ("max_ms", it.max)]
        });
        always.into_iter().chain(latency.into_iter().flatten()).collect()
    }
}

impl Latency {
    fn of(sorted: &[f64]) -> Option<Self> {
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        // The least value that so many are not above.
        let at = |share: f64| sorted[((share * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len()) - 1];
        let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
        Some(Self { min, mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), max })
    }
}
