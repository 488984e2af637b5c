//! How often a model was asked, and how long it took: what one host counts while a version is in force.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::VersionId;

/// The counts of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelStats {
    /// The version in force, once one was asked.
    pub in_force: Option<VersionStats>,
    /// The other versions that were asked, the latest first; a few are kept.
    pub others: Vec<VersionStats>,
}

/// The counts of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionStats {
    /// Which one.
    pub version: VersionId,
    /// When it came into force here, and counting began.
    pub since: Timestamp,
    /// The counts since then.
    pub counts: Counts,
}

/// Counts of predictions, and how long they took, in milliseconds. Durations are those of predictions that worked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Predictions.
    pub usage: u64,
    /// Attempts that failed.
    pub errors: u64,
    /// All durations together.
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
