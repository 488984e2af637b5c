//! CloudEvents in, outputs out, and how an event can fail.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A CloudEvent 1.0 on its way into a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Unique within `source`.
    pub id: String,
    /// Where it comes from, a URI reference.
    pub source: String,
    /// What happened, such as `com.example.order.created`.
    pub r#type: String,
    /// What it is about, within the source.
    pub subject: Option<String>,
    /// When it happened, RFC 3339.
    pub time: Option<String>,
    /// The media type of `data`.
    pub content_type: Option<String>,
    /// What ordering and partitioning go by.
    pub key: Option<Bytes>,
    /// Which of the function's inlets it enters; empty for the only one.
    pub inlet: String,
    /// Extension attributes.
    pub extensions: Vec<(String, String)>,
    /// The payload.
    pub data: Bytes,
}

/// What a function gives back for an event; the host adds id, source, time and trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Which of the function's outlets it leaves by; empty for the only one.
    pub outlet: String,
    /// What it says, as a CloudEvents type.
    pub r#type: String,
    /// What it is about.
    pub subject: Option<String>,
    /// The media type of `data`.
    pub content_type: Option<String>,
    /// What ordering and partitioning go by.
    pub key: Option<Bytes>,
    /// Extension attributes.
    pub extensions: Vec<(String, String)>,
    /// The payload.
    pub data: Bytes,
}

/// What CloudEvents calls its own attributes and payload; no extension may bear such a name.
const ATTRIBUTES: [&str; 10] =
    ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data", "data_base64"];

/// Whether `name` is one of CloudEvents' own and so none for an extension.
#[must_use]
pub fn is_attribute(name: &str) -> bool {
    ATTRIBUTES.contains(&name)
}

/// An attribute's value as the HTTP binding of CloudEvents writes it in a header: percent-encoded where it must be.
#[must_use]
pub fn in_header(value: &str) -> Cow<'_, str> {
    let is_plain = |it: char| matches!(it, '\u{21}'..='\u{7e}' if it != '"' && it != '%');
    if value.bytes().all(|it| is_plain(it.into())) {
        return Cow::Borrowed(value);
    }
    let mut text = String::with_capacity(value.len() + 16);
    let mut room = [0; 4];
    for character in value.chars() {
        if is_plain(character) {
            text.push(character);
        } else {
            character.encode_utf8(&mut room).bytes().for_each(|byte| text.push_str(&format!("%{byte:02X}")));
        }
    }
    Cow::Owned(text)
}

/// Whether doing it again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// The input is at fault; never retry.
    Invalid,
    /// It may work later; retry.
    Transient,
    /// The function is at fault and wants attention.
    Fatal,
}

impl FailureKind {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Transient => "transient",
            Self::Fatal => "fatal",
        }
    }
}

/// What came of an event, a call or a step that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Whether doing it again can help.
    pub kind: FailureKind,
    /// A stable, short code such as `bad-json`, `trap`, `deadline`, `memory-limit`.
    pub code: String,
    /// What happened, for people.
    pub message: String,
    /// When a retry may make sense, milliseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
    /// Where: a symbolised guest backtrace, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtrace: Option<String>,
}

impl Failure {
    /// A failure of the given kind.
    #[must_use]
    pub fn new(kind: FailureKind, code: &str, message: impl Into<String>) -> Self {
        Self { kind, code: code.to_owned(), message: message.into(), retry_after_ms: None, backtrace: None }
    }

    /// The input is at fault.
    #[must_use]
    pub fn invalid(code: &str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Invalid, code, message)
    }

    /// It may work later.
    #[must_use]
    pub fn transient(code: &str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Transient, code, message)
    }

    /// The function is at fault.
    #[must_use]
    pub fn fatal(code: &str, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Fatal, code, message)
    }
}

/// What came of one event.
pub type Outcome = Result<Vec<Output>, Failure>;

/// Codes that the host itself gives; a guest may use any other.
pub mod code {
    /// The guest trapped (a panic, an unreachable instruction, an out-of-bounds access).
    pub const TRAP: &str = "trap";
    /// The call outlived its deadline.
    pub const DEADLINE: &str = "deadline";
    /// The guest wanted more memory than its manifest allows.
    pub const MEMORY_LIMIT: &str = "memory-limit";
    /// The call copied more bytes between host and guest than allowed.
    pub const COPY_LIMIT: &str = "copy-limit";
    /// The function answered with another number of outcomes than it got events.
    pub const WRONG_COUNT: &str = "wrong-count";
    /// The caller went away or asked to stop.
    pub const CANCELLED: &str = "cancelled";
    /// Every instance is taken; try again shortly. The guest never ran, so this counts as no attempt.
    pub const OVERLOADED: &str = "overloaded";
    /// A job ended with an exit code other than 0.
    pub const EXIT: &str = "exit";
    /// A declared output is missing.
    pub const MISSING_OUTPUT: &str = "missing-output";
    /// More was written than the quota allows.
    pub const QUOTA: &str = "quota";
    /// The function is not there, or cannot be loaded.
    pub const UNAVAILABLE: &str = "unavailable";
    /// The wasi:http guest set no response.
    pub const NO_RESPONSE: &str = "no-response";
    /// Nothing of that name is deployed or registered.
    pub const NOT_FOUND: &str = "not-found";
    /// The function has no entry for such a call, such as events for a job.
    pub const WRONG_ENTRY: &str = "wrong-entry";
    /// A request body or a batch of events is larger than the function takes.
    pub const TOO_LARGE: &str = "too-large";
    /// The input does not fit, such as a tensor of another shape.
    pub const INVALID_INPUT: &str = "invalid-input";
    /// The model failed while it computed.
    pub const MODEL_FAILED: &str = "model-failed";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_header_cannot_hold_is_encoded() {
        assert_eq!(in_header("/shop/7"), Cow::Borrowed("/shop/7"));
        assert_eq!(in_header("café noir 5% \"x\"\n"), "caf%C3%A9%20noir%205%25%20%22x%22%0A");
    }

    #[test]
    fn the_attributes_of_an_event_are_no_extensions() {
        assert!(["id", "type", "data", "specversion"].into_iter().all(is_attribute));
        assert!(!["partitionkey", "traceparent", "httpstatus", "ID"].into_iter().any(is_attribute));
    }
}
