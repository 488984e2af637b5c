//! Waking functions by events that are kept: durable before it is acknowledged, executed as runs.

use async_trait::async_trait;

use crate::{Digest, Name, RunId, event::Event, function::FunctionRef, retry::Retry};

/// The longest chain of events of the platform that lead to one another.
pub const MOST_DEPTH: u8 = 8;

/// An event that wakes a function.
#[derive(Debug, Clone)]
pub struct Wakening {
    /// The identity of the run; the same one twice changes nothing.
    pub id: RunId,
    /// The project.
    pub project: Name,
    /// The function.
    pub function: FunctionRef,
    /// The kind of trigger: `schedule`, `event`, `publish`.
    pub trigger: &'static str,
    /// Which trigger.
    pub trigger_name: String,
    /// The event.
    pub event: Event,
    /// How often it is tried.
    pub retry: Retry,
    /// How many events of the platform led to this one.
    pub depth: u8,
    /// On whose behalf.
    pub owner: String,
}

impl Wakening {
    /// The identity of the run for what this text names, the same whenever it is asked.
    #[must_use]
    pub fn run_of(text: &str) -> RunId {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&Digest::of(text.as_bytes()).as_raw()[..16]);
        RunId::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// Why a function is not woken.
#[derive(Debug, thiserror::Error)]
pub enum WakeError {
    /// There is no such function any more, or it takes no events.
    #[error("{0}")]
    NoFunction(String),
    /// The chain of events is too long.
    #[error("{0} events of the platform led to this one; a longer chain is taken for a circle")]
    TooDeep(u8),
    /// As many events wait for it as may; nothing was kept.
    #[error("{0}")]
    Full(String),
    /// The store failed; nothing was kept.
    #[error("{0}")]
    Storage(String),
}

/// Keeps events and has functions woken by them.
#[async_trait]
pub trait Wake: Send + Sync {
    /// Keeps events for one function, all or none; they are durable when this returns.
    ///
    /// # Errors
    /// When nobody could take them, or they cannot be kept.
    async fn wake(&self, wakenings: Vec<Wakening>) -> Result<Vec<RunId>, WakeError>;
}
