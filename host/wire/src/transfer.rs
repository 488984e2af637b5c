//! Projects that came as a file.

use std::collections::BTreeMap;

use host_core::Name;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a file brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Imported {
    /// The project.
    #[schema(value_type = String)]
    pub project: Name,
    /// How many of each, by the table they are kept in.
    pub rows: BTreeMap<String, u64>,
    /// How many artifacts.
    pub artifacts: u64,
    /// How many bytes they have.
    pub artifact_bytes: u64,
    /// Secrets that its functions know by name, and whose values have to be set.
    pub secrets: Vec<String>,
}
