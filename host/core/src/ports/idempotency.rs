//! Requests that are sent again under the same key: executed once, answered alike.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;

use crate::{Digest, Name};

/// Whose key it is: the same key elsewhere is another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyScope {
    /// The project.
    pub project: Name,
    /// What is asked, such as `function hello`.
    pub subject: String,
    /// On whose behalf.
    pub principal: String,
    /// The key, as the client chose it.
    pub key: String,
}

/// The right to execute a request under its key, until the lease ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The identity of the request: the same for every attempt.
    pub id: Uuid,
    /// The attempt, which fences every later write.
    pub attempt: u32,
}

/// A response that is given again to whoever asks again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptResponse {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The bytes; none where they were too many to keep.
    pub body: Option<Bytes>,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nothing, or its turn was lost: execute it.
    Mine(Turn),
    /// It was answered: answer the same.
    Done(KeptResponse),
    /// It is being executed; the lease ends after this.
    Running(Duration),
    /// It was used for another request.
    Other,
}

/// Keys could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(pub String);

/// Remembers what was asked under which key, and what was answered.
#[async_trait]
pub trait Idempotency: Send + Sync {
    /// Begins to execute what `fingerprint` stands for, unless it was begun already. The key is known for `keep`.
    ///
    /// # Errors
    /// When the store fails.
    async fn begin(
        &self,
        scope: &KeyScope,
        fingerprint: Digest,
        lease: Duration,
        keep: Duration,
    ) -> Result<Begun, KeyError>;

    /// Keeps the answer; durable when this returns. False when the turn was lost meanwhile.
    ///
    /// # Errors
    /// When the store fails.
    async fn finish(&self, scope: &KeyScope, turn: Turn, response: &KeptResponse) -> Result<bool, KeyError>;

    /// Forgets the key: nothing was executed under it.
    ///
    /// # Errors
    /// When the store fails.
    async fn release(&self, scope: &KeyScope, turn: Turn) -> Result<(), KeyError>;
}
