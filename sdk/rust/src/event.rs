//! What arrives: a CloudEvent with a typed payload.

use serde::de::DeserializeOwned;

use crate::{Failure, bindings::weft::function::types as wit, codec, context};

/// Something that happened, as CloudEvents 1.0 says it.
///
/// The payload is read from JSON, unless `T` is `Vec<u8>` or `String`, which take it as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<T> {
    /// Unique for its source; the same over retries and redeliveries.
    pub id: String,
    /// Where it happened.
    pub source: String,
    /// What happened, such as `order.placed`. (`type` is a keyword.)
    pub kind: String,
    /// What it happened to.
    pub subject: Option<String>,
    /// When it happened, RFC 3339.
    pub time: Option<String>,
    /// The media type it arrived with.
    pub content_type: Option<String>,
    /// What events are ordered by.
    pub key: Option<Vec<u8>>,
    /// Which of the function's inlets it arrived at; empty where there is only one.
    pub inlet: String,
    /// Further CloudEvents attributes.
    pub extensions: Vec<(String, String)>,
    /// The payload.
    pub data: T,
    index: u32,
}

impl<T> Event<T> {
    /// An event as a test makes it: a type, a payload, and constants for the rest.
    pub fn new(kind: impl Into<String>, data: T) -> Self {
        Self {
            id: "1".to_owned(),
            source: "test".to_owned(),
            kind: kind.into(),
            subject: None,
            time: None,
            content_type: None,
            key: None,
            inlet: String::new(),
            extensions: Vec::new(),
            data,
            index: 0,
        }
    }

    /// The further attribute of that name, such as `httpmethod`.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.extensions.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Where on a stream it was read; `None` where it came from no stream.
    #[must_use]
    pub fn origin(&self) -> Option<context::Place> {
        context::origin(self.index)
    }

    /// The same event with its payload made into another.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Event<U> {
        let Self { id, source, kind, subject, time, content_type, key, inlet, extensions, data, index } = self;
        let data = change(data);
        Event { id, source, kind, subject, time, content_type, key, inlet, extensions, data, index }
    }
}

impl<T: DeserializeOwned + 'static> Event<T> {
    pub(crate) fn read(index: u32, event: wit::Event) -> Result<Self, Failure> {
        Ok(Self {
            id: event.id,
            source: event.source,
            kind: event.type_,
            subject: event.subject,
            time: event.time,
            content_type: event.content_type,
            key: event.key,
            inlet: event.inlet,
            extensions: event.extensions,
            data: codec::decode(event.data)?,
            index,
        })
    }
}
