//! Sending events to brokers and functions.

use async_trait::async_trait;

use crate::{Name, event::Event, grant::PublishTarget};

/// Why events were not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// They never will be, as they are.
    #[error("{0}")]
    Refused(String),
    /// It may work later.
    #[error("{0}")]
    Unavailable(String),
}

/// What surrounds events that are sent.
#[derive(Debug, Clone)]
pub struct Sender {
    /// The project whose secrets open the connection, and whose functions are reached.
    pub project: Name,
    /// The function that sends.
    pub function: Name,
    /// How many events of the platform led to this one.
    pub depth: u8,
}

/// Sends events and waits until they are confirmed.
#[async_trait]
pub trait Publish: Send + Sync {
    /// Sends `events` in order; when this returns without an error, all of them are where they should be, durably.
    ///
    /// # Errors
    /// When one of them may not be.
    async fn publish(&self, sender: &Sender, to: &PublishTarget, events: Vec<Event>) -> Result<(), PublishError>;
}

/// Sends nothing: a host without brokers.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPublish;

#[async_trait]
impl Publish for NoPublish {
    async fn publish(&self, _: &Sender, _: &PublishTarget, _: Vec<Event>) -> Result<(), PublishError> {
        Err(PublishError::Refused("this host sends no events".into()))
    }
}
