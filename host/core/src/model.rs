//! Models: a lineage in the registry, its immutable versions, and the aliases that move between them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Digest, Name, RunId, call::Place, tensor::Dtype};

mod stats;

pub use stats::{Counts, ModelStats, VersionStats};

/// One input or output of a model. A dimension of `-1` is free, such as the batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorSpec {
    /// The tensor's name.
    pub name: String,
    /// The element type.
    pub datatype: Dtype,
    /// The extent of each dimension, `-1` where any will do.
    pub shape: Vec<i64>,
}

/// What a model takes and gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The inputs, in the model's order.
    pub inputs: Vec<TensorSpec>,
    /// The outputs, in the model's order.
    pub outputs: Vec<TensorSpec>,
}

/// Which version of a model: what every score is stamped with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VersionId {
    /// The model.
    pub model: Name,
    /// The version, counted from 1.
    pub number: u64,
    /// The artifact's digest.
    pub digest: Digest,
}

/// One immutable version of a model, with its provenance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// The model, number and digest.
    #[serde(flatten)]
    pub id: VersionId,
    /// The format of the bytes; `onnx` is what this host loads.
    pub format: String,
    /// What it takes and gives, read from the bytes at registration.
    pub signature: Signature,
    /// Metrics at registration, such as accuracy on the test split.
    pub metrics: serde_json::Map<String, Value>,
    /// Free text from whoever registered it.
    pub description: Option<String>,
    /// The run that made it.
    pub run: Option<RunId>,
    /// The step of that run.
    pub step: Option<String>,
    /// The stream that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Who registered it.
    pub created_by: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was taken out of service for good.
    pub retired_at: Option<Timestamp>,
}

/// The message of a model stream that brought a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The stream.
    pub stream: Name,
    /// Where the message was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The event's source.
    pub source: String,
    /// The event's id within its source.
    pub id: String,
    /// What the message calls the model.
    pub name: String,
    /// What the message calls the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The type of records that the model scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_type: Option<String>,
    /// Where its bytes were fetched, as people may see it; nothing where the message held them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// A movable name for a version, such as `production`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The model.
    pub model: Name,
    /// The alias.
    pub alias: Name,
    /// The version it points to.
    pub number: u64,
    /// When it last moved.
    pub moved_at: Timestamp,
    /// Who moved it.
    pub moved_by: String,
}

/// How a model is asked for: `wine`, `wine@production` or `wine@3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelRef {
    /// The model.
    pub model: Name,
    /// Which of its versions.
    pub at: At,
}

/// Which version of a model is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum At {
    /// The version `production` points to, or the newest where that alias was never set.
    Default,
    /// The version an alias points to.
    Alias(Name),
    /// A version by number.
    Number(u64),
}

impl std::str::FromStr for ModelRef {
    type Err = crate::name::InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (model, at) = match text.split_once('@') {
            None => (text, At::Default),
            Some((model, at)) => match at.parse() {
                Ok(number) => (model, At::Number(number)),
                Err(_) => (model, At::Alias(at.parse()?)),
            },
        };
        Ok(Self { model: model.parse()?, at })
    }
}

impl std::fmt::Display for ModelRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.at {
            At::Default => write!(f, "{}", self.model),
            At::Alias(alias) => write!(f, "{}@{alias}", self.model),
            At::Number(number) => write!(f, "{}@{number}", self.model),
        }
    }
}

impl TryFrom<String> for ModelRef {
    type Error = crate::name::InvalidName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ModelRef> for String {
    fn from(reference: ModelRef) -> Self {
        reference.to_string()
    }
}

/// Why a model did not answer. One variant per thing a caller would do differently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScoreError {
    /// No such model, alias or version.
    #[error("model `{0}` is not registered")]
    NotFound(String),
    /// The tensors do not fit the signature; the text says what was expected.
    #[error("{0}")]
    Invalid(String),
    /// Every permit is taken; try again shortly.
    #[error("model is busy: all its permits are taken")]
    Busy,
    /// The deadline passed while the model computed.
    #[error("model did not answer within its deadline")]
    Deadline,
    /// The model failed.
    #[error("model failed: {0}")]
    Failed(String),
}

/// Why bytes are not a model this host can serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The format is not one this host loads.
    #[error("model format `{0}` is not supported; this host loads onnx")]
    Format(String),
    /// The bytes cannot be read as a model.
    #[error("model cannot be read: {0}")]
    Corrupt(String),
    /// The model uses an operator that this host does not have.
    #[error("model uses operator `{0}`, which this host does not have")]
    Operator(String),
    /// The model loads, but a sample run fails.
    #[error("model failed its sample run: {0}")]
    Sample(String),
}
