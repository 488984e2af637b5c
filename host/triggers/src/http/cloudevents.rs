//! The HTTP binding of CloudEvents 1.0: an event in the headers, in the body, or many in the body.

use std::collections::BTreeMap;

use ::http::{HeaderMap, HeaderName, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use host_core::event::Event;
use percent_encoding::percent_decode_str;
use serde_json::{Value, value::RawValue};

use super::problem::Problem;

static SPECVERSION: HeaderName = HeaderName::from_static("ce-specversion");

/// What a request carries.
pub(super) enum Read {
    /// An event.
    One(Box<Event>),
    /// Several.
    Batch(Vec<Event>),
    /// None: it is a plain request with this body.
    Plain(Bytes),
}

/// An event in JSON, its payload as it stands in the text.
type Members<'t> = BTreeMap<String, &'t RawValue>;

/// Reads what a request carries.
pub(super) fn read(headers: &HeaderMap, body: Bytes, most: usize) -> Result<Read, Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let media_type = content_type.and_then(|it| it.split(';').next()).map_or("", str::trim);
    if media_type.eq_ignore_ascii_case("application/cloudevents+json") {
        let members = serde_json::from_slice(&body).map_err(|error| not_json("a CloudEvent", &error))?;
        return Ok(Read::One(Box::new(event_of(members)?)));
    }
    if media_type.eq_ignore_ascii_case("application/cloudevents-batch+json") {
        let batch: Vec<Members> = serde_json::from_slice(&body).map_err(|error| not_json("a batch", &error))?;
        if batch.len() > most {
            return Err(Problem::too_many_events(most));
        }
        return batch.into_iter().map(event_of).collect::<Result<_, _>>().map(Read::Batch);
    }
    if headers.contains_key(&SPECVERSION) {
        return binary(headers, content_type, body).map(|event| Read::One(Box::new(event)));
    }
    Ok(Read::Plain(body))
}

/// The events of a request with these headers and this body, at most `most`; a plain request has none.
///
/// # Errors
/// With what is wrong with them.
pub fn events(headers: &HeaderMap, body: Bytes, most: usize) -> Result<Vec<Event>, String> {
    match read(headers, body, most) {
        Ok(Read::One(event)) => Ok(vec![*event]),
        Ok(Read::Batch(events)) => Ok(events),
        Ok(Read::Plain(_)) => Ok(Vec::new()),
        Err(problem) => Err(problem.detail().to_owned()),
    }
}

/// Whether a media type says JSON.
pub(super) fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or("").trim();
    media_type.eq_ignore_ascii_case("application/json") || media_type.ends_with("+json") || media_type == "text/json"
}

fn not_json(what: &str, error: &serde_json::Error) -> Problem {
    Problem::bad_event(format!("the body is not {what} in JSON: {error}"))
}

/// Attributes in `ce-` headers, the payload as the body.
fn binary(headers: &HeaderMap, content_type: Option<&str>, data: Bytes) -> Result<Event, Problem> {
    let mut event = Building::default();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("ce-") else { continue };
        let decoded = value.to_str().ok().and_then(|it| percent_decode_str(it).decode_utf8().ok());
        let value = decoded.ok_or_else(|| Problem::bad_event(format!("the header ce-{name} is not text")))?;
        event.set(name, value.into_owned())?;
    }
    event.content_type = content_type.map(str::to_owned);
    event.finish(data)
}

/// An event in the JSON format.
fn event_of(mut members: Members) -> Result<Event, Problem> {
    let data = members.remove("data");
    let encoded = members.remove("data_base64");
    let mut event = Building::default();
    for (name, value) in members {
        match serde_json::from_str(value.get()) {
            Ok(Value::String(text)) => event.set(&name, text)?,
            Ok(Value::Bool(_) | Value::Number(_)) => event.set(&name, value.get().to_owned())?,
            Ok(Value::Null) => {}
            _ => return Err(Problem::bad_event(format!("the attribute `{name}` is neither text, number nor boolean"))),
        }
    }
    let payload = match (data, encoded) {
        (Some(_), Some(_)) => return Err(Problem::bad_event("the event has both data and data_base64")),
        (None, None) => Bytes::new(),
        (None, Some(encoded)) => {
            let text: Option<String> = serde_json::from_str(encoded.get()).ok();
            let decoded = text.and_then(|text| STANDARD.decode(text).ok());
            decoded.ok_or_else(|| Problem::bad_event("data_base64 is not base64"))?.into()
        }
        (Some(data), None) => event.payload(data),
    };
    event.finish(payload)
}

/// An event whose attributes are still coming.
#[derive(Default)]
struct Building {
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
    fn set(&mut self, name: &str, value: String) -> Result<(), Problem> {
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
                    return Err(Problem::bad_event(detail));
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

    fn finish(self, data: Bytes) -> Result<Event, Problem> {
        let specversion = required("specversion", self.specversion)?;
        if specversion != "1.0" {
            return Err(Problem::bad_event(format!("specversion `{specversion}` is not understood: use 1.0")));
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

fn required(name: &str, value: Option<String>) -> Result<String, Problem> {
    value.filter(|it| !it.is_empty()).ok_or_else(|| Problem::bad_event(format!("the event has no `{name}`")))
}
