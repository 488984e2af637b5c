//! What a model says of itself: inputs, outputs and notes, without the weights.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use serde::{Serialize, Serializer};

use crate::proto::{Dimension, Model, ValueInfo};

/// The edges of a model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// What it takes, constants left out.
    pub inputs: Vec<Port>,
    /// What it gives.
    pub outputs: Vec<Port>,
    /// Its `metadata_props`.
    pub notes: BTreeMap<String, String>,
}

/// A named tensor at the edge of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its element type.
    #[serde(rename = "datatype")]
    pub element: Element,
    /// The extent of each dimension, `None` where it is free (`-1` in JSON).
    #[serde(serialize_with = "extents")]
    pub shape: Vec<Option<u64>>,
}

/// The type of a tensor's elements, as far as models of tables use it. In JSON, its Open Inference Protocol name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Element {
    /// `float32`.
    #[serde(rename = "FP32")]
    Float,
    /// `float64`.
    #[serde(rename = "FP64")]
    Double,
    /// `int64`.
    #[serde(rename = "INT64")]
    Int,
    /// Text.
    #[serde(rename = "BYTES")]
    Text,
    /// Any other.
    #[serde(rename = "OTHER")]
    Other,
}

fn extents<S: Serializer>(shape: &[Option<u64>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(shape.iter().map(|extent| extent.and_then(|it| i64::try_from(it).ok()).unwrap_or(-1)))
}

/// The bytes are not an ONNX model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not an onnx model: {0}")]
pub struct Unreadable(String);

impl Summary {
    /// Reads the bytes of a model.
    ///
    /// # Errors
    /// When they are not one.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let model = Model::decode(bytes).map_err(|error| Unreadable(error.to_string()))?;
        let graph = model.graph.ok_or_else(|| Unreadable("it has no graph".to_owned()))?;
        let constants: BTreeSet<_> = graph.initializer.into_iter().filter_map(|it| it.name).collect();
        let is_input = |port: &Port| !constants.contains(&port.name);
        Ok(Self {
            inputs: graph.input.into_iter().map(Port::from).filter(is_input).collect(),
            outputs: graph.output.into_iter().map(Port::from).collect(),
            notes: model
                .metadata_props
                .into_iter()
                .filter_map(|it| Some((it.key?, it.value.unwrap_or_default())))
                .collect(),
        })
    }
}

impl From<ValueInfo> for Port {
    fn from(value: ValueInfo) -> Self {
        let tensor = value.kind.and_then(|it| it.tensor).unwrap_or_default();
        let extent = |dim: Dimension| dim.value.and_then(|it| u64::try_from(it).ok());
        Self {
            name: value.name.unwrap_or_default(),
            element: match tensor.element {
                Some(1) => Element::Float,
                Some(7) => Element::Int,
                Some(8) => Element::Text,
                Some(11) => Element::Double,
                _ => Element::Other,
            },
            shape: tensor.shape.unwrap_or_default().dim.into_iter().map(extent).collect(),
        }
    }
}
