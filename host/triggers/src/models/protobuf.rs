//! The model descriptor of the model-serving tutorial, as its protobuf file lays it out.

/// A model on its way.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ModelDescriptor {
    /// What the model is called.
    #[prost(string, tag = "1")]
    pub(super) name: String,
    /// Free text.
    #[prost(string, tag = "2")]
    pub(super) description: String,
    /// The type of records that it scores.
    #[prost(string, tag = "3")]
    pub(super) data_type: String,
    /// What the bytes are.
    #[prost(int32, tag = "4")]
    pub(super) modeltype: i32,
    /// The bytes, or where they are.
    #[prost(oneof = "MessageContent", tags = "5, 6")]
    pub(super) content: Option<MessageContent>,
}

/// The bytes of a model, or where they are.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum MessageContent {
    /// The bytes.
    #[prost(bytes = "bytes", tag = "5")]
    Data(bytes::Bytes),
    /// Where they are.
    #[prost(string, tag = "6")]
    Location(String),
}

/// The word for a type: those of the tutorial, and those that were appended.
pub(super) fn format(modeltype: i32) -> String {
    let words = ["tensorflow", "tensorflow-saved-model", "pmml", "onnx", "pfa", "h2o", "wasm"];
    let word = usize::try_from(modeltype).ok().and_then(|it| words.get(it));
    word.map_or_else(|| format!("type {modeltype}"), |it| (*it).to_owned())
}
