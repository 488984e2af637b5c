//! How running triggers are kept running: waits, bounds, and what each kind of source may take.

use host_core::size::Millis;
use serde::{Deserialize, Serialize};

use crate::{amqp, kafka};

/// How running triggers are kept running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How often it is asked which triggers are paused, and how they are doing.
    pub poll: Millis,
    /// How often it is asked what happened on the platform.
    pub events: Millis,
    /// The wait before a source that failed is opened again; each further one is twice as long.
    pub reopen: Millis,
    /// The longest wait before a source that failed is opened again.
    pub reopen_most: Millis,
    /// How long a source that is to stop may take to settle what is in flight. What is not settled by then is read
    /// again.
    pub drain: Millis,
    /// What speaks to Kafka.
    pub kafka: kafka::Config,
    /// What speaks AMQP.
    pub amqp: amqp::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            poll: Millis(1_000),
            events: Millis(250),
            reopen: Millis(500),
            reopen_most: Millis(30_000),
            drain: Millis(20_000),
            kafka: kafka::Config::default(),
            amqp: amqp::Config::default(),
        }
    }
}
