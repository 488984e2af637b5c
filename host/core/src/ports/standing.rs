//! Pipelines that are kept in their project, so that they can be run by name and start by themselves.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{Digest, Name, pipeline::PipelineTrigger};

/// A pipeline about to be kept, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct NewStanding {
    /// The project.
    pub project: Name,
    /// The pipeline.
    pub name: Name,
    /// One sentence on it.
    pub description: Option<String>,
    /// Its YAML.
    pub yaml: String,
    /// What starts it by itself.
    pub triggers: Vec<PipelineTrigger>,
    /// Who keeps it.
    pub created_by: String,
}

/// A version of a pipeline that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StandingPipeline {
    /// What is kept.
    pub kept: NewStanding,
    /// Its version, counted from 1 within the pipeline.
    pub number: u64,
    /// The SHA-256 of its YAML.
    pub digest: Digest,
    /// Since when this version is the one in force.
    pub since: Timestamp,
}

/// Why a pipeline is not kept or found.
#[derive(Debug, thiserror::Error)]
pub enum StandingError {
    /// There is none of that name.
    #[error("there is no pipeline `{0}`; `fn pipeline list` shows those there are")]
    NotFound(Name),
    /// The store failed.
    #[error("{0}")]
    Storage(String),
}

/// Keeps pipelines; each change is one transaction with its audit event.
#[async_trait]
pub trait StandingPipelines: Send + Sync {
    /// Puts a pipeline in force; the same text again changes nothing.
    async fn put_in_force(&self, new: NewStanding) -> Result<StandingPipeline, StandingError>;

    /// Those of a project, in order of name.
    async fn pipelines(&self, project: &Name) -> Result<Vec<StandingPipeline>, StandingError>;

    /// Those of every project that something starts.
    async fn started(&self) -> Result<Vec<StandingPipeline>, StandingError>;

    /// One of them.
    async fn pipeline(&self, project: &Name, name: &Name) -> Result<StandingPipeline, StandingError>;

    /// Takes one out of force; its runs stay.
    async fn forget(&self, project: &Name, name: &Name, who: &str) -> Result<(), StandingError>;
}
