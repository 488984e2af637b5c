//! The bounds of this room.

use host_core::size::Millis;
use serde::{Deserialize, Serialize};

/// How many calls are let in, how long others wait, and which of them are slow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many calls this host makes at once, of all functions and models together.
    pub max_in_flight: u32,
    /// How many calls of one function may wait for a place; those beyond are refused at once.
    pub max_waiting: u32,
    /// How long a call waits for a place before it is refused.
    pub max_wait: Millis,
    /// When a refused caller is told to come back.
    pub retry_after: Millis,
    /// How long a call may take before it counts as slow and is recorded.
    pub slow: Millis,
    /// How long a model may take where the caller has no deadline of its own.
    pub model_timeout: Millis,
    /// How many revisions that are not active are kept at hand, for calls by number.
    pub pinned_revisions: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_in_flight: 1_024,
            max_waiting: 256,
            max_wait: Millis(1_000),
            retry_after: Millis(1_000),
            slow: Millis(1_000),
            model_timeout: Millis(30_000),
            pinned_revisions: 1_024,
        }
    }
}
