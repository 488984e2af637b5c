//! Model streams: topics and queues whose messages are models, registered and put in force as they come.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{Name, manifest::Trigger, ports::TriggerId};

/// Under what the triggers of model streams go, where those of a function bear its name.
pub const MODELS: &str = "models";

/// A stream of models.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelStream {
    /// The project.
    pub project: Name,
    /// Its name there.
    pub name: Name,
    /// What is read: a Kafka or an AMQP trigger.
    pub source: Trigger,
    /// The alias that each model is put in force under.
    pub alias: Name,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

impl ModelStream {
    /// The trigger that it is run as.
    #[must_use]
    pub fn trigger(&self) -> TriggerId {
        TriggerId { project: self.project.clone(), function: models(), name: self.name.to_string() }
    }

    /// What the types cannot say.
    ///
    /// # Errors
    /// When it reads neither topics nor a queue, or in a way that does not work.
    pub fn check(&self) -> Result<(), String> {
        match &self.source {
            Trigger::Kafka(_) | Trigger::Amqp(_) => self.source.check(),
            other => Err(format!("a model stream reads `kafka` or `amqp`, not `{}`", other.kind())),
        }
    }
}

/// [`MODELS`] as a name.
#[must_use]
pub fn models() -> Name {
    MODELS.parse().expect("it is a name")
}

/// Why a model stream is not what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// There is none of that name.
    #[error("there is no model stream `{0}`")]
    NotFound(Name),
    /// There is another of that name.
    #[error("there is a model stream `{0}` already")]
    Exists(Name),
    /// It cannot be read like that.
    #[error("{0}")]
    Invalid(String),
    /// The store failed.
    #[error("{0}")]
    Storage(String),
}

/// What streams of models there are. Every change is one transaction with its audit event.
#[async_trait]
pub trait ModelStreams: Send + Sync {
    /// Those of every project.
    async fn all(&self) -> Result<Vec<ModelStream>, StreamError>;

    /// Those of a project, in order of name.
    async fn streams(&self, project: &Name) -> Result<Vec<ModelStream>, StreamError>;

    /// Adds one; adding it again as it is changes nothing.
    async fn add(&self, stream: ModelStream) -> Result<ModelStream, StreamError>;

    /// Takes one away. What it registered stays.
    async fn remove(&self, project: &Name, name: &Name, who: &str) -> Result<(), StreamError>;

    /// Puts on record that a model was refused, and why.
    async fn refused(&self, stream: &TriggerId, subject: &str, reason: &str) -> Result<(), StreamError>;
}
