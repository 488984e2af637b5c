//! The model registry.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Digest, Name, RunId,
    model::{Alias, ModelRef, Origin, Signature, Version},
};

/// A version about to be registered, verified already.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVersion {
    /// The project.
    pub project: Name,
    /// The model; made when it does not exist.
    pub model: Name,
    /// The bytes, already in the artifact store.
    pub digest: Digest,
    /// The format of the bytes.
    pub format: String,
    /// What it takes and gives.
    pub signature: Signature,
    /// Metrics at registration.
    pub metrics: Map<String, Value>,
    /// Free text.
    pub description: Option<String>,
    /// The run that made it; registering twice for the same run, step and digest gives the same version.
    pub run: Option<RunId>,
    /// The step of that run.
    pub step: Option<String>,
    /// The message of a stream that brought it; registering twice for the same event and digest gives the same version.
    pub origin: Option<Origin>,
    /// Who registers it.
    pub created_by: String,
}

/// A name under which a model is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its name, as in `/v2/models/<name>`.
    pub name: Name,
    /// What answers.
    pub model: ModelRef,
    /// Who made it or moved it last.
    pub updated_by: String,
    /// When.
    pub updated_at: Timestamp,
}

/// Why the registry said no.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No such model, alias, version or endpoint.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The version was retired.
    #[error("version {number} of model `{model}` was retired")]
    Retired {
        /// The model.
        model: Name,
        /// The version.
        number: u64,
    },
    /// The version cannot be loaded, so that nothing may point to it.
    #[error("version {number} of model `{model}` cannot answer: {reason}")]
    Unfit {
        /// The model.
        model: Name,
        /// The version.
        number: u64,
        /// Why.
        reason: String,
    },
    /// The alias has no earlier version to go back to.
    #[error("alias `{alias}` of model `{model}` has never pointed elsewhere")]
    NoEarlier {
        /// The model.
        model: Name,
        /// The alias.
        alias: Name,
    },
    /// The store failed.
    #[error("{0}")]
    Storage(String),
}

/// Models, their versions, aliases and endpoints. Every change is one transaction with its audit event.
#[async_trait]
pub trait Models: Send + Sync {
    /// Grows with every change.
    async fn generation(&self) -> Result<u64, ModelError>;

    /// Registers a version.
    async fn register(&self, version: NewVersion) -> Result<Version, ModelError>;

    /// The version a reference points to.
    async fn resolve(&self, project: &Name, reference: &ModelRef) -> Result<Version, ModelError>;

    /// Moves an alias, and returns where it pointed before.
    async fn promote(
        &self,
        project: &Name,
        model: &Name,
        alias: &Name,
        number: u64,
        who: &str,
    ) -> Result<Option<u64>, ModelError>;

    /// Moves an alias back to where it pointed before, and returns the version it points to now.
    async fn rollback(&self, project: &Name, model: &Name, alias: &Name, who: &str) -> Result<u64, ModelError>;

    /// Every model's name, in order.
    async fn models(&self, project: &Name) -> Result<Vec<Name>, ModelError>;

    /// The versions of a model, newest first.
    async fn versions(&self, project: &Name, model: &Name) -> Result<Vec<Version>, ModelError>;

    /// The aliases of a model.
    async fn aliases(&self, project: &Name, model: &Name) -> Result<Vec<Alias>, ModelError>;

    /// Where the aliases of a model have pointed, newest first.
    async fn history(&self, project: &Name, model: &Name) -> Result<Vec<Alias>, ModelError>;

    /// Serves a model under a name.
    async fn serve(&self, project: &Name, endpoint: Endpoint) -> Result<(), ModelError>;

    /// Every endpoint of a project, in order of name.
    async fn endpoints(&self, project: &Name) -> Result<Vec<Endpoint>, ModelError>;
}
