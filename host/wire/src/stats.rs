//! How often a model was asked, and how long it took.

use host_core::{Name, model};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::version::VersionId;

/// What this host counted of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelStats {
    /// The model.
    #[schema(value_type = String)]
    pub model: Name,
    /// The version in force; absent until this host was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force: Option<VersionStats>,
    /// Other versions that were asked, the latest first.
    pub others: Vec<VersionStats>,
}

/// What was counted of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VersionStats {
    /// Which one.
    pub version: VersionId,
    /// When it came into force on this host, and counting began.
    pub since: jiff::Timestamp,
    /// Predictions.
    pub usage: u64,
    /// Attempts that failed.
    pub errors: u64,
    /// How long all predictions took together, in milliseconds.
    pub total_ms: f64,
    /// The shortest; 0 without any.
    pub min_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// Their mean.
    pub mean_ms: f64,
    /// Half of them were no longer.
    pub p50_ms: f64,
    /// Nine of ten were no longer.
    pub p90_ms: f64,
    /// 99 of 100 were no longer.
    pub p99_ms: f64,
}

impl ModelStats {
    /// What was counted of `model`.
    #[must_use]
    pub fn of(model: Name, stats: model::ModelStats) -> Self {
        let others = stats.others.into_iter().map(VersionStats::from).collect();
        Self { model, in_force: stats.in_force.map(VersionStats::from), others }
    }
}

impl From<model::VersionStats> for VersionStats {
    fn from(stats: model::VersionStats) -> Self {
        let model::Counts { usage, errors, total_ms, min_ms, max_ms, mean_ms, p50_ms, p90_ms, p99_ms } = stats.counts;
        Self {
            version: stats.version.into(),
            since: stats.since,
            usage,
            errors,
            total_ms,
            min_ms,
            max_ms,
            mean_ms,
            p50_ms,
            p90_ms,
            p99_ms,
        }
    }
}
