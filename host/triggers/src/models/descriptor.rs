//! What a message of a model stream says: in JSON as the data of a CloudEvent, or in the tutorial's protobuf.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use host_core::{Digest, Name, event::Event, model::Signature, ports::shown_url};
use prost::Message as _;
use serde::Deserialize;
use serde_json::Value;

use super::{LARGEST_INLINE, protobuf};
use crate::cloudevents::is_json;

/// The longest text that a message may say of a model, bytes.
const LONGEST_TEXT: usize = 4 << 10;

/// A model on its way.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Descriptor {
    /// What the message calls the model.
    pub(super) name: String,
    /// What it calls the version.
    pub(super) label: Option<String>,
    /// The type of records that the model scores.
    pub(super) data_type: Option<String>,
    /// What the bytes are.
    pub(super) format: String,
    /// The bytes, or where they are.
    pub(super) content: Content,
    /// What the model takes and gives; read from its bytes, where the message does not say.
    pub(super) signature: Option<Signature>,
    /// Free text.
    pub(super) description: Option<String>,
}

/// The bytes of a model, or where they are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// The message holds them.
    Inline(Bytes),
    /// The artifact store has them.
    Artifact(Digest),
    /// They are to be fetched.
    Url(String),
}

/// A descriptor as JSON has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InJson {
    name: String,
    version: Option<Value>,
    #[serde(alias = "dataType")]
    data_type: Option<String>,
    format: Option<String>,
    data: Option<String>,
    location: Option<String>,
    signature: Option<Signature>,
    description: Option<String>,
}

impl Descriptor {
    /// Reads the data of an event.
    pub(super) fn read(event: &Event) -> Result<Self, String> {
        if event.data.is_empty() {
            return Err("the message is empty; to take a model out of force, move its alias".into());
        }
        let read = if is_protobuf(event) { Self::from_protobuf(&event.data) } else { Self::from_json(&event.data) };
        let descriptor = read?;
        let texts = [Some(&descriptor.name), descriptor.label.as_ref(), descriptor.data_type.as_ref()];
        if texts.into_iter().flatten().chain(&descriptor.description).any(|it| it.len() > LONGEST_TEXT) {
            return Err(format!("a text of the message is longer than {LONGEST_TEXT} bytes"));
        }
        Ok(descriptor)
    }

    fn from_json(data: &[u8]) -> Result<Self, String> {
        let read: InJson =
            serde_json::from_slice(data).map_err(|error| format!("the message is no model descriptor: {error}"))?;
        let content = match (read.data, read.location) {
            (Some(data), None) => inline(decoded(&data)?)?,
            (None, Some(location)) => Content::at(location)?,
            (Some(_), Some(_)) => return Err("the message has both `data` and `location`: leave one out".into()),
            (None, None) => return Err("the message has neither `data` nor `location`".into()),
        };
        let label = read.version.map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
        Ok(Self {
            name: read.name,
            label,
            data_type: read.data_type,
            format: read.format.unwrap_or_else(|| "onnx".to_owned()),
            content,
            signature: read.signature,
            description: read.description,
        })
    }

    fn from_protobuf(data: &[u8]) -> Result<Self, String> {
        let read = protobuf::ModelDescriptor::decode(data)
            .map_err(|error| format!("the message is no model descriptor: {error}"))?;
        let content = match read.content {
            Some(protobuf::MessageContent::Data(data)) => inline(data)?,
            Some(protobuf::MessageContent::Location(location)) => Content::at(location)?,
            None => return Err("the message has neither `data` nor `location`".into()),
        };
        let filled = |text: String| Some(text).filter(|it| !it.is_empty());
        Ok(Self {
            name: read.name,
            label: None,
            data_type: filled(read.data_type),
            format: protobuf::format(read.modeltype),
            content,
            signature: None,
            description: filled(read.description),
        })
    }

    /// The lineage that the model belongs to: that of its data type, where the message has one.
    pub(super) fn model(&self) -> Result<Name, String> {
        let named = self.data_type.as_deref().unwrap_or(&self.name);
        as_name(named).ok_or_else(|| format!("`{}` cannot name a model", named.escape_debug()))
    }
}

impl Content {
    fn at(location: String) -> Result<Self, String> {
        if let Ok(digest) = location.parse() {
            return Ok(Self::Artifact(digest));
        }
        if location.contains("://") && location.len() <= LONGEST_TEXT {
            return Ok(Self::Url(location));
        }
        Err(format!(
            "`{}` is no location: use a URL or the digest of an artifact, sha256:…",
            shown_url(&location).escape_debug()
        ))
    }

    /// Where the bytes were, as people may see it.
    pub(super) fn location(&self) -> Option<String> {
        match self {
            Self::Inline(_) => None,
            Self::Artifact(digest) => Some(digest.to_string()),
            Self::Url(url) => Some(shown_url(url)),
        }
    }
}

/// What says neither that it is JSON nor looks like it is protobuf.
fn is_protobuf(event: &Event) -> bool {
    match event.content_type.as_deref() {
        Some(it) if it.contains("protobuf") => true,
        Some(it) if is_json(it) => false,
        _ => !event.data.trim_ascii_start().starts_with(b"{"),
    }
}

fn decoded(data: &str) -> Result<Bytes, String> {
    // Four characters hold three bytes: what is too large is not decoded first.
    if data.len() / 4 * 3 > LARGEST_INLINE + 3 {
        return Err(too_large(data.len() / 4 * 3));
    }
    STANDARD.decode(data.trim()).map(Bytes::from).map_err(|error| format!("`data` is not base64: {error}"))
}

fn inline(bytes: Bytes) -> Result<Content, String> {
    if bytes.len() > LARGEST_INLINE {
        return Err(too_large(bytes.len()));
    }
    Ok(Content::Inline(bytes))
}

fn too_large(size: usize) -> String {
    format!(
        "the message holds a model of {size} bytes; a message may hold {LARGEST_INLINE}: upload it and say `location` \
         with the digest, or the URL where it is"
    )
}

/// A text as a name: small letters and digits, everything else a dash.
fn as_name(text: &str) -> Option<Name> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let mapped: String = text.chars().take(63).map(plain).collect();
    mapped.trim_matches('-').parse().ok()
}
