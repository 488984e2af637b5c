//! The Open Inference Protocol, version 2, over REST: the bodies of `/v2`.

use host_core::{model, tensor::Dtype};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::version::TensorSpec;

mod elements;
mod encode;

pub use elements::Elements;
pub use encode::Data;

/// What the server is: `GET /v2`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerMetadata {
    /// Its name.
    pub name: String,
    /// Its release.
    pub version: String,
    /// The extensions of the protocol it speaks.
    pub extensions: Vec<String>,
}

/// Whether the server lives: `GET /v2/health/live`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerLive {
    /// It does when it answers.
    pub live: bool,
}

/// Whether the server answers requests: `GET /v2/health/ready`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerReady {
    /// Whether it does.
    pub ready: bool,
}

/// Whether a model answers requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelReady {
    /// The model.
    pub name: String,
    /// Whether it does.
    pub ready: bool,
}

/// What a model takes and gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelMetadata {
    /// The model, as it was asked for.
    pub name: String,
    /// Its versions that can be asked for.
    pub versions: Vec<String>,
    /// The format of its bytes, such as `onnx_onnxv1`.
    pub platform: String,
    /// What it takes.
    pub inputs: Vec<TensorSpec>,
    /// What it gives.
    pub outputs: Vec<TensorSpec>,
}

/// Tensors for a model. Members of extensions that this server does not speak are ignored.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub struct InferRequest {
    /// Given back in the answer.
    #[serde(default)]
    pub id: Option<String>,
    /// The inputs.
    pub inputs: Vec<InputTensor>,
    /// The outputs wanted; all, when absent.
    #[serde(default)]
    pub outputs: Vec<RequestedOutput>,
}

/// An input tensor.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub struct InputTensor {
    /// The name of the model's input.
    pub name: String,
    /// The extent of each dimension.
    pub shape: Vec<u64>,
    /// The element type.
    #[schema(value_type = String, example = "FP32")]
    pub datatype: Dtype,
    /// The elements, row by row, nested or flat. `null` is a missing number: NaN.
    #[schema(value_type = Vec<Value>)]
    pub data: Elements,
}

/// An output that is wanted.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub struct RequestedOutput {
    /// The name of the model's output.
    pub name: String,
}

/// What a model said.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct InferResponse {
    /// The model, as it was asked for.
    pub model_name: String,
    /// The version that computed this, not the one an alias points to by now.
    pub model_version: String,
    /// As in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `model` and `digest` name what computed this wherever the model was asked for under another name.
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// The outputs.
    pub outputs: Vec<OutputTensor>,
}

/// An output tensor.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct OutputTensor {
    /// The name of the model's output.
    pub name: String,
    /// The extent of each dimension.
    pub shape: Vec<u64>,
    /// The element type.
    #[schema(value_type = String, example = "FP32")]
    pub datatype: Dtype,
    /// The elements, row by row, flat. A number that is not finite is `null`.
    #[schema(value_type = Vec<Value>)]
    pub data: Data,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Error {
    /// What happened, and what was expected.
    pub error: String,
}

impl ModelMetadata {
    /// What is told of a model that was asked for as `name`.
    #[must_use]
    pub fn new(name: String, version: model::Version, numbers: impl IntoIterator<Item = u64>) -> Self {
        Self {
            name,
            versions: numbers.into_iter().map(|it| it.to_string()).collect(),
            platform: if version.format == "onnx" { "onnx_onnxv1".into() } else { version.format },
            inputs: version.signature.inputs.into_iter().map(TensorSpec::from).collect(),
            outputs: version.signature.outputs.into_iter().map(TensorSpec::from).collect(),
        }
    }
}
