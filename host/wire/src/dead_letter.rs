//! Events that were given up, and why.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use host_core::{Name, RevisionId, event, ports};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{failure::Failure, trigger::Place};

/// An event that was given up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetter {
    /// Its identity.
    pub id: String,
    /// The function that did not take it.
    #[schema(value_type = String)]
    pub function: Name,
    /// The trigger that read it.
    pub trigger: String,
    /// The trigger's kind.
    pub kind: String,
    /// When it was given up.
    pub at: Timestamp,
    /// The event; in lists without its key and data.
    pub event: LetterEvent,
    /// Where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Why.
    pub failure: Failure,
    /// The revision that gave it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub revision: Option<RevisionId>,
    /// How often it was tried.
    pub attempts: u32,
    /// How often it was given up: more than once where it was read or replayed again, and failed again.
    #[serde(default = "once")]
    pub times: u32,
    /// When it was handed to its function once more, and done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replayed_at: Option<Timestamp>,
}

fn once() -> u32 {
    1
}

/// The event of a dead letter, as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LetterEvent {
    /// Unique within `source`.
    pub id: String,
    /// Where it came from.
    pub source: String,
    /// What happened.
    pub r#type: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The media type of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Extension attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extensions: BTreeMap<String, String>,
    /// What it was ordered by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Content>,
    /// The payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Content>,
}

/// Bytes: as text where they are UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Text.
    Text(String),
    /// Bytes in base64.
    Base64(String),
}

impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }
}

impl From<event::Event> for LetterEvent {
    fn from(event: event::Event) -> Self {
        Self {
            id: event.id,
            source: event.source,
            r#type: event.r#type,
            subject: event.subject,
            time: event.time,
            content_type: event.content_type,
            extensions: event.extensions.into_iter().collect(),
            key: event.key.map(|it| Content::from(&*it)),
            data: Some(Content::from(&*event.data)),
        }
    }
}

impl From<ports::DeadLetter> for DeadLetter {
    fn from(it: ports::DeadLetter) -> Self {
        Self {
            id: it.id,
            function: it.trigger.function,
            trigger: it.trigger.name,
            kind: it.kind,
            at: it.at,
            event: it.event.into(),
            place: it.place.map(Place::from),
            failure: it.failure.into(),
            revision: it.revision,
            attempts: it.attempts,
            times: it.times,
            replayed_at: it.replayed_at,
        }
    }
}

impl DeadLetter {
    /// The same as lists tell it.
    #[must_use]
    pub fn listed(mut self) -> Self {
        (self.event.key, self.event.data) = (None, None);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_told_in_base64() {
        assert_eq!(Content::from("é".as_bytes()), Content::Text("é".into()));
        assert_eq!(Content::from(&[0, 255][..]), Content::Base64("AP8=".into()));
    }
}
