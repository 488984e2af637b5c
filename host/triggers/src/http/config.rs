//! The bounds of the HTTP trigger.

use host_core::{
    pipeline::Attempts,
    retry::Retry,
    size::{ByteSize, Millis},
};
use serde::{Deserialize, Serialize};

/// What the trigger takes at most; bodies are bounded by each function's `max_body`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many events one request may carry.
    pub max_batch: u32,
    /// How many bytes of request bodies this host holds at once, those of the control plane and of inference included;
    /// what comes beyond is told to come back. Bodies that stream through are not held.
    pub buffered: ByteSize,
    /// How often a request that is answered later is tried in all.
    pub later_attempts: u32,
    /// How often its callback is tried in all.
    pub callback_attempts: u32,
    /// The wait before the second attempt of either; each further one is twice as long.
    pub later_backoff: Millis,
    /// The longest wait between two attempts.
    pub later_max_backoff: Millis,
    /// How long an idempotency key is known.
    pub keep_keys: Millis,
    /// The largest response that is kept under an idempotency key.
    pub max_kept: ByteSize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_batch: 1_000,
            buffered: ByteSize(256 << 20),
            later_attempts: 5,
            callback_attempts: 8,
            later_backoff: Millis(1_000),
            later_max_backoff: Millis(60_000),
            keep_keys: Millis(24 * 3_600_000),
            max_kept: ByteSize(1 << 20),
        }
    }
}

impl Config {
    /// How often what is answered later is tried.
    pub(super) fn attempts(&self) -> Attempts {
        let retry = |attempts: u32| Retry {
            attempts: attempts.max(1),
            backoff: self.later_backoff,
            max_backoff: self.later_max_backoff,
            ..Retry::default()
        };
        Attempts { request: retry(self.later_attempts), notify: retry(self.callback_attempts) }
    }
}
