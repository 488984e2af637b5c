//! Artifacts: bytes by their digest, with a kind and the run that made them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Digest, Name, RunId};

/// What an artifact is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
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

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Model => "model",
            Self::Plot => "plot",
            Self::Table => "table",
            Self::Report => "report",
            Self::File => "file",
        }
    }
}

impl std::str::FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Dataset, Self::Model, Self::Plot, Self::Table, Self::Report, Self::File]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a kind: use dataset, model, plot, table, report or file"))
    }
}

/// Bytes in the artifact store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// Their digest.
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
}

/// What a step made: bytes under a name, described.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Artifact {
    /// The bytes.
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
    /// The project it belongs to.
    pub project: Name,
    /// The output's name.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// Its media type, where known.
    pub media_type: Option<String>,
    /// What the function said of it: schema, rows, label column, …
    pub metadata: Value,
    /// The run that made it.
    pub run: Option<RunId>,
    /// The step of that run, and its trial when it is one of a sweep.
    pub step: Option<String>,
    /// When.
    pub created_at: Timestamp,
}
