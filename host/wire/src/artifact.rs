//! Artifacts: bytes by their digest, with a kind and the run that made them.

use host_core::{Digest, Name, RunId, artifact};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Bytes under a name, described.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Artifact {
    /// The bytes.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
    /// The project.
    #[schema(value_type = String)]
    pub project: Name,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// Its media type, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What the function said of it.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// The run that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub run: Option<RunId>,
    /// The step of that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// When.
    pub created_at: jiff::Timestamp,
}

/// What an artifact is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Rows.
    Dataset,
    /// A model.
    Model,
    /// A picture of numbers.
    Plot,
    /// A small table.
    Table,
    /// A page to read.
    Report,
    /// Anything else.
    #[default]
    File,
}

impl From<artifact::Kind> for Kind {
    fn from(kind: artifact::Kind) -> Self {
        match kind {
            artifact::Kind::Dataset => Self::Dataset,
            artifact::Kind::Model => Self::Model,
            artifact::Kind::Plot => Self::Plot,
            artifact::Kind::Table => Self::Table,
            artifact::Kind::Report => Self::Report,
            artifact::Kind::File => Self::File,
        }
    }
}

impl From<Kind> for artifact::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Dataset => Self::Dataset,
            Kind::Model => Self::Model,
            Kind::Plot => Self::Plot,
            Kind::Table => Self::Table,
            Kind::Report => Self::Report,
            Kind::File => Self::File,
        }
    }
}

impl From<artifact::Artifact> for Artifact {
    fn from(artifact: artifact::Artifact) -> Self {
        Self {
            digest: artifact.digest,
            size: artifact.size,
            project: artifact.project,
            name: artifact.name,
            kind: artifact.kind.into(),
            media_type: artifact.media_type,
            metadata: artifact.metadata,
            run: artifact.run,
            step: artifact.step,
            created_at: artifact.created_at,
        }
    }
}
