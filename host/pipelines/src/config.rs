//! How many steps run at once, and how long a host may go silent before its steps are given away.

use serde::{Deserialize, Serialize};

/// Bounds of the scheduler.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Steps this host executes at once; as many as there are cores, when 0.
    pub steps_at_once: u32,
    /// How long a claimed step stays this host's without a heartbeat, milliseconds.
    pub lease_ms: u64,
    /// How often leases are prolonged, milliseconds.
    pub heartbeat_ms: u64,
    /// How often the journal is asked for steps when nobody says that there are some, milliseconds.
    pub poll_ms: u64,
    /// How often a running step's metrics and progress are written, milliseconds.
    pub track_ms: u64,
    /// The most points a step may track between two writes; more are dropped and counted.
    pub track_points: usize,
    /// The most bytes fetched for one URL input.
    pub fetch_bytes: u64,
    /// How many requests to one function may wait to be answered later.
    pub pending_requests: u32,
    /// How many events and requests to one function or pipeline may wait when another comes. What a function sends is
    /// refused then; what the clock or an event of the platform asks for waits until there are fewer.
    pub pending_events: u32,
    /// How long an event waits for a function that has no room or cannot be called, milliseconds; after that it counts as
    /// an attempt that failed.
    pub event_patience_ms: u64,
    /// The most bytes of a response to a request that is answered later.
    pub response_bytes: u64,
    /// The most bytes of a response that its callback carries; a larger one is fetched by whoever was told.
    pub notify_bytes: u64,
    /// How long one callback may take, milliseconds.
    pub notify_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            steps_at_once: 0,
            lease_ms: 15_000,
            heartbeat_ms: 3_000,
            poll_ms: 500,
            track_ms: 200,
            track_points: 10_000,
            fetch_bytes: 4 << 30,
            pending_requests: 10_000,
            pending_events: 10_000,
            event_patience_ms: 86_400_000,
            response_bytes: 64 << 20,
            notify_bytes: 1 << 20,
            notify_ms: 30_000,
        }
    }
}

impl Config {
    /// Steps at once on this machine.
    #[must_use]
    pub fn parallel(&self) -> u32 {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if self.steps_at_once == 0 { u32::try_from(cores).unwrap_or(1) } else { self.steps_at_once }
    }
}
