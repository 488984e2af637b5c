//! CloudEvents 1.0 in the forms that all protocols share: the JSON format, and attributes set one by one.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use host_core::event::{Event, is_attribute};
use serde_json::{Map, Value, value::RawValue};

/// The media type of an event in JSON.
pub(crate) const JSON: &str = "application/cloudevents+json";
/// The media type of several events in JSON.
pub(crate) const JSON_BATCH: &str = "application/cloudevents-batch+json";

/// What is wrong with an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    /// It is no event.
    #[error("{0}")]
    Event(String),
    /// There are more of them than may come at once.
    #[error("the batch has more than {0} events")]
    TooMany(usize),
}

impl Invalid {
    fn event(detail: impl Into<String>) -> Self {
        Self::Event(detail.into())
    }
}

/// An event in JSON, its payload as it stands in the text.
type Members<'t> = BTreeMap<String, &'t RawValue>;

/// The event in a text of JSON.
pub(crate) fn from_json(text: &[u8]) -> Result<Event, Invalid> {
    event_of(serde_json::from_slice(text).map_err(|error| not_json("a CloudEvent", &error))?)
}

/// The events in a list of JSON, at most `most`.
pub(crate) fn from_json_batch(text: &[u8], most: usize) -> Result<Vec<Event>, Invalid> {
    let batch: Vec<Members> = serde_json::from_slice(text).map_err(|error| not_json("a batch", &error))?;
    if batch.len() > most {
        return Err(Invalid::TooMany(most));
    }
    batch.into_iter().map(event_of).collect()
}

/// An event as a value of JSON.
pub(crate) fn to_json(event: &Event) -> Value {
    let mut members = Map::new();
    for (name, value) in event.extensions.iter().filter(|(name, _)| !is_attribute(name)) {
        members.insert(name.clone(), value.as_str().into());
    }
    let own = [("specversion", "1.0"), ("id", &event.id), ("source", &event.source), ("type", &event.r#type)];
    members.extend(own.map(|(name, value)| (name.to_owned(), value.into())));
    let optional = [("subject", &event.subject), ("time", &event.time), ("datacontenttype", &event.content_type)];
    members.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.as_deref()?.into()))));
    let (name, data) = data_of(event.content_type.as_deref(), &event.data);
    members.insert(name.to_owned(), data);
    members.into()
}

/// The member that a payload is in JSON: as JSON where it is, as text where it can be, else in base64.
pub(crate) fn data_of(content_type: Option<&str>, data: &[u8]) -> (&'static str, Value) {
    let is_json = content_type.is_some_and(is_json);
    let as_json = is_json.then(|| serde_json::from_slice(data).ok()).flatten();
    match (as_json, std::str::from_utf8(data)) {
        (Some(value), _) => ("data", value),
        (None, Ok(text)) => ("data", text.into()),
        (None, Err(_)) => ("data_base64", STANDARD.encode(data).into()),
    }
}

/// Whether a media type says JSON.
pub(crate) fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or("").trim();
    media_type.eq_ignore_ascii_case("application/json") || media_type.ends_with("+json") || media_type == "text/json"
}

fn not_json(what: &str, error: &serde_json::Error) -> Invalid {
    Invalid::event(format!("the body is not {what} in JSON: {error}"))
}

/// An event in the JSON format.
fn event_of(mut members: Members) -> Result<Event, Invalid> {
    let data = members.remove("data");
    let encoded = members.remove("data_base64");
    let mut event = Building::default();
    for (name, value) in members {
        match serde_json::from_str(value.get()) {
            Ok(Value::String(text)) => event.set(&name, text)?,
            Ok(Value::Bool(_) | Value::Number(_)) => event.set(&name, value.get().to_owned())?,
            Ok(Value::Null) => {}
            _ => return Err(Invalid::event(format!("the attribute `{name}` is neither text, number nor boolean"))),
        }
    }
    let payload = match (data, encoded) {
        (Some(_), Some(_)) => return Err(Invalid::event("the event has both data and data_base64")),
        (None, None) => Bytes::new(),
        (None, Some(encoded)) => {
            let text: Option<String> = serde_json::from_str(encoded.get()).ok();
            let decoded = text.and_then(|text| STANDARD.decode(text).ok());
            decoded.ok_or_else(|| Invalid::event("data_base64 is not base64"))?.into()
        }
        (Some(data), None) => event.payload(data),
    };
    event.finish(payload)
}

/// An event whose attributes are still coming.
#[derive(Default)]
pub(crate) struct Building {
    specversion: Option<String>,
    id: Option<String>,
    source: Option<String>,
    r#type: Option<String>,
    subject: Option<String>,
    time: Option<String>,
    content_type: Option<String>,
    extensions: Vec<(String, String)>,
}

impl Building {
    /// Sets an attribute by its name.
    pub(crate) fn set(&mut self, name: &str, value: String) -> Result<(), Invalid> {
        let attribute = match name {
            "specversion" => &mut self.specversion,
            "id" => &mut self.id,
            "source" => &mut self.source,
            "type" => &mut self.r#type,
            "subject" => &mut self.subject,
            "time" => &mut self.time,
            "datacontenttype" => &mut self.content_type,
            extension => {
                if !extension.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit()) {
                    let detail = format!("`{extension}` cannot name an extension: use a-z and 0-9");
                    return Err(Invalid::event(detail));
                }
                self.extensions.push((extension.to_owned(), value));
                return Ok(());
            }
        };
        *attribute = Some(value);
        Ok(())
    }

    /// JSON as it stands; a text of another media type without its quotes.
    fn payload(&mut self, data: &RawValue) -> Bytes {
        let content_type = self.content_type.get_or_insert_with(|| "application/json".into());
        let text: Option<String> = if is_json(content_type) { None } else { serde_json::from_str(data.get()).ok() };
        text.unwrap_or_else(|| data.get().to_owned()).into()
    }

    /// The media type of the payload.
    pub(crate) fn content_type(&mut self, value: Option<String>) {
        self.content_type = value;
    }

    /// The event, if it is whole.
    pub(crate) fn finish(self, data: Bytes) -> Result<Event, Invalid> {
        let specversion = required("specversion", self.specversion)?;
        if specversion != "1.0" {
            return Err(Invalid::event(format!("specversion `{specversion}` is not understood: use 1.0")));
        }
        let key = self.extensions.iter().find(|(name, _)| name == "partitionkey");
        Ok(Event {
            id: required("id", self.id)?,
            source: required("source", self.source)?,
            r#type: required("type", self.r#type)?,
            subject: self.subject,
            time: self.time,
            content_type: self.content_type,
            key: key.map(|(_, value)| Bytes::copy_from_slice(value.as_bytes())),
            inlet: String::new(),
            extensions: self.extensions,
            data,
        })
    }
}

fn required(name: &str, value: Option<String>) -> Result<String, Invalid> {
    value.filter(|it| !it.is_empty()).ok_or_else(|| Invalid::event(format!("the event has no `{name}`")))
}
