//! Whether the host can do its work.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether the host can do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`, or why not.
    pub status: String,
    /// The host's release.
    pub release: String,
    /// How many records and log lines were dropped since the start.
    pub dropped_records: u64,
}
