//! Versions of a model: immutable, with signature, metrics and provenance.

use host_core::{Digest, Name, RunId, model, tensor::Dtype};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::trigger::Place;

/// Which version of a model: what every score is stamped with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionId {
    /// The model.
    #[schema(value_type = String)]
    pub model: Name,
    /// Counted from 1.
    pub number: u64,
    /// The digest of its bytes.
    #[schema(value_type = String)]
    pub digest: Digest,
}

/// One immutable version of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// The model.
    #[schema(value_type = String)]
    pub model: Name,
    /// Counted from 1.
    pub number: u64,
    /// The digest of its bytes.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// The format of the bytes.
    pub format: String,
    /// What it takes and gives.
    pub signature: Signature,
    /// Metrics at registration.
    #[schema(value_type = Object)]
    pub metrics: Map<String, Value>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The run that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub run: Option<RunId>,
    /// The step of that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The message of a model stream that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Who registered it.
    pub created_by: String,
    /// When.
    pub created_at: jiff::Timestamp,
    /// When it was taken out of service for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<jiff::Timestamp>,
}

/// The message of a model stream that brought a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ModelOrigin)]
pub struct Origin {
    /// The stream.
    #[schema(value_type = String)]
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
    /// Where its bytes were fetched; absent where the message held them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// An artifact to make a version of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Its digest; the bytes were uploaded before, or a run made them.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// The format of the bytes.
    #[serde(default = "onnx")]
    pub format: String,
    /// Metrics to keep with it.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metrics: Map<String, Value>,
    /// Free text.
    #[serde(default)]
    pub description: Option<String>,
}

fn onnx() -> String {
    "onnx".to_owned()
}

/// What a model takes and gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Signature {
    /// The inputs, in the model's order.
    pub inputs: Vec<TensorSpec>,
    /// The outputs, in the model's order.
    pub outputs: Vec<TensorSpec>,
}

/// One input or output of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TensorSpec {
    /// The tensor's name.
    pub name: String,
    /// The element type, by its name in the Open Inference Protocol.
    #[schema(value_type = String, example = "FP32")]
    pub datatype: Dtype,
    /// The extent of each dimension, `-1` where any will do.
    pub shape: Vec<i64>,
}

impl From<model::Origin> for Origin {
    fn from(origin: model::Origin) -> Self {
        let model::Origin { stream, place, source, id, name, label, data_type, location } = origin;
        Self { stream, place: place.map(Place::from), source, id, name, label, data_type, location }
    }
}

impl From<model::VersionId> for VersionId {
    fn from(id: model::VersionId) -> Self {
        Self { model: id.model, number: id.number, digest: id.digest }
    }
}

impl From<model::TensorSpec> for TensorSpec {
    fn from(spec: model::TensorSpec) -> Self {
        Self { name: spec.name, datatype: spec.datatype, shape: spec.shape }
    }
}

impl From<model::Signature> for Signature {
    fn from(signature: model::Signature) -> Self {
        Self {
            inputs: signature.inputs.into_iter().map(TensorSpec::from).collect(),
            outputs: signature.outputs.into_iter().map(TensorSpec::from).collect(),
        }
    }
}

impl From<model::Version> for Version {
    fn from(version: model::Version) -> Self {
        Self {
            model: version.id.model,
            number: version.id.number,
            digest: version.id.digest,
            format: version.format,
            signature: version.signature.into(),
            metrics: version.metrics,
            description: version.description,
            run: version.run,
            step: version.step,
            origin: version.origin.map(Origin::from),
            created_by: version.created_by,
            created_at: version.created_at,
            retired_at: version.retired_at,
        }
    }
}
