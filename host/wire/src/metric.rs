//! Metrics of a run.

use host_core::run;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One value of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Metric {
    /// The step.
    pub step: String,
    /// Which trial of its sweep, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<u32>,
    /// The metric.
    pub name: String,
    /// The value; `"NaN"`, `"Infinity"` and `"-Infinity"` are text.
    #[serde(with = "run::float")]
    pub value: f64,
    /// The function's own step, such as an epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_step: Option<i64>,
    /// When it was logged.
    pub at: jiff::Timestamp,
}

impl From<run::MetricPoint> for Metric {
    fn from(point: run::MetricPoint) -> Self {
        let run::MetricPoint { key, name, value, at_step, at } = point;
        Self { step: key.step, trial: key.trial, name, value, at_step, at }
    }
}
