//! What is kept, and for how long.

use host_core::size::Millis;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// What is kept. Without a word on runs, uploads or revisions, all of them are.
///
/// A run is kept as long as one of the two says so; one that runs, that made a version of a model in use, or that has
/// the label `keep`, always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Runs that ended within this time are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_runs: Option<Millis>,
    /// So many of the newest runs of each pipeline are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_last: Option<u32>,
    /// Uploads of this time are kept, and those that something kept was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_uploads: Option<Millis>,
    /// So many of the newest revisions of each function are kept, at least 1; and the active one, and those that kept
    /// runs ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_revisions: Option<u32>,
    /// Bytes stay for this long after they were last written or wanted, whether or not anything names them.
    pub grace: Millis,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            keep_runs: None,
            keep_last: None,
            keep_uploads: None,
            keep_revisions: None,
            grace: Millis(24 * 3_600_000),
        }
    }
}

impl Policy {
    pub(super) fn grace(&self) -> SignedDuration {
        span(self.grace)
    }

    /// Whether any run may go.
    pub(super) fn lets_runs_go(&self) -> bool {
        self.keep_runs.is_some() || self.keep_last.is_some()
    }
}

pub(super) fn span(millis: Millis) -> SignedDuration {
    SignedDuration::try_from(millis.duration()).unwrap_or(SignedDuration::MAX)
}
