//! The bounds of the HTTP trigger.

use serde::{Deserialize, Serialize};

/// What the trigger takes at most; bodies are bounded by each function's `max_body`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many events one request may carry.
    pub max_batch: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_batch: 1_000 }
    }
}
