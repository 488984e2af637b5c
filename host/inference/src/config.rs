//! The bounds of this room.

use std::time::Duration;

use host_core::size::{ByteSize, Millis};
use serde::{Deserialize, Serialize};

/// How many models are held, how many compute at once, and how long others wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many versions stay loaded; the one unused the longest makes room.
    pub loaded: usize,
    /// The largest model file.
    pub model_bytes: ByteSize,
    /// The most bytes of tensors that one prediction may hold at once; one that would need more is refused unstarted.
    pub working_bytes: ByteSize,
    /// How many models are loaded at the same time.
    pub loading: usize,
    /// How many predictions are computed at once; as many as there are cores, when 0.
    pub concurrency: usize,
    /// How many predictions may wait for their turn; those beyond are refused at once.
    pub waiting: usize,
    /// How long a prediction may take where its caller set no deadline.
    pub timeout: Millis,
    /// The longest computation, in microseconds, that runs without a thread of its own.
    pub inline_us: u64,
    /// The most rows of calls that are computed as one, where they ask the same version at about the same time; 1 joins
    /// none. Only for models whose answer for a row depends on that row alone.
    pub batch_rows: u64,
    /// How long the first of such calls waits for others.
    pub batch_wait: Millis,
    /// How often the registry is asked whether an alias moved.
    pub refresh: Millis,
    /// How many references, such as `wine@production`, are kept resolved.
    pub references: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            loaded: 64,
            model_bytes: ByteSize(512 << 20),
            working_bytes: ByteSize(512 << 20),
            loading: 2,
            concurrency: 0,
            waiting: 256,
            timeout: Millis(30_000),
            inline_us: 100,
            batch_rows: 1,
            batch_wait: Millis(2),
            refresh: Millis(500),
            references: 10_000,
        }
    }
}

impl Config {
    /// Predictions at once on this machine.
    pub(crate) fn permits(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if self.concurrency == 0 { cores } else { self.concurrency }
    }

    pub(crate) fn inline(&self) -> Duration {
        Duration::from_micros(self.inline_us)
    }
}
