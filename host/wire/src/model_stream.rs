//! Model streams: topics and queues whose messages are models.

use host_core::{Name, manifest::Trigger, ports};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A stream of models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelStream {
    /// Its name. Its trigger is `models/<name>`.
    #[schema(value_type = String)]
    pub name: Name,
    /// What is read, as a manifest writes it under `[[triggers]]`.
    #[schema(value_type = Object)]
    pub source: Trigger,
    /// The alias that each model is put in force under.
    #[schema(value_type = String)]
    pub alias: Name,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: jiff::Timestamp,
}

/// A stream of models that is to be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddModelStream {
    /// What is read: a `kafka` or an `amqp` trigger, as a manifest writes it.
    #[schema(value_type = Object)]
    pub source: Trigger,
    /// The alias that each model is put in force under.
    #[serde(default = "production")]
    #[schema(value_type = String)]
    pub alias: Name,
}

fn production() -> Name {
    "production".parse().expect("it is a name")
}

impl From<ports::ModelStream> for ModelStream {
    fn from(stream: ports::ModelStream) -> Self {
        let ports::ModelStream { name, source, alias, created_by, created_at, .. } = stream;
        Self { name, source, alias, created_by, created_at }
    }
}
