//! Pipelines to check before they are run.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Mistake;

/// A pipeline to check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its YAML.
    pub pipeline: String,
}

/// Every mistake in it, in the order of the text; none when it can be submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Checked {
    /// The mistakes.
    pub mistakes: Vec<Mistake>,
}
