//! The bounds of the control plane.

use host_core::size::{ByteSize, Millis};
use serde::{Deserialize, Serialize};

/// What the control plane takes at most, and how long it waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The largest JSON body, such as a pipeline.
    pub max_json: ByteSize,
    /// The largest component that is taken.
    pub max_component: ByteSize,
    /// The largest artifact that is taken.
    pub max_artifact: ByteSize,
    /// The largest model that is registered.
    pub max_model: ByteSize,
    /// The largest body of a call by hand; a function's own `max_body` holds as well.
    pub max_invoke: ByteSize,
    /// The most events of a call by hand.
    pub max_events: usize,
    /// The largest body of an inference request.
    pub max_tensors: ByteSize,
    /// How many uploads are taken at once.
    pub max_uploads: u32,
    /// How long an upload may pause.
    pub upload_pause: Millis,
    /// How many log and run streams are followed at once.
    pub max_followers: u32,
    /// How often a followed run is looked at.
    pub follow_every: Millis,
    /// How many tokens may be in use at once.
    pub max_tokens: u32,
    /// How many tokens of no use an address may show in a minute before it is told to wait.
    pub max_failures: u32,
    /// Whether `/models`, `/processors` and `/state/{type}` answer as the model-serving tutorial's server does.
    pub tutorial: bool,
    /// Host names, beside those of this machine, that browsers may know the control plane by.
    pub hosts: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_json: ByteSize(4 << 20),
            max_component: ByteSize(64 << 20),
            max_artifact: ByteSize(16 << 30),
            max_model: ByteSize(1 << 30),
            max_invoke: ByteSize(64 << 20),
            max_events: 1_000,
            max_tensors: ByteSize(64 << 20),
            max_uploads: 16,
            upload_pause: Millis(30_000),
            max_followers: 256,
            follow_every: Millis(250),
            max_tokens: 1_000,
            max_failures: 20,
            tutorial: false,
            hosts: Vec::new(),
        }
    }
}
