//! The HTTP binding of CloudEvents 1.0: an event in the headers, in the body, or many in the body.

use ::http::{HeaderMap, HeaderName, header};
use bytes::Bytes;
use host_core::event::Event;
use percent_encoding::percent_decode_str;

use super::problem::Problem;
use crate::cloudevents::{self, Building, Invalid, JSON, JSON_BATCH};

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

/// Reads what a request carries.
pub(super) fn read(headers: &HeaderMap, body: Bytes, most: usize) -> Result<Read, Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let media_type = content_type.and_then(|it| it.split(';').next()).map_or("", str::trim);
    if media_type.eq_ignore_ascii_case(JSON) {
        return Ok(Read::One(Box::new(cloudevents::from_json(&body)?)));
    }
    if media_type.eq_ignore_ascii_case(JSON_BATCH) {
        return Ok(Read::Batch(cloudevents::from_json_batch(&body, most)?));
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

/// Attributes in `ce-` headers, the payload as the body.
fn binary(headers: &HeaderMap, content_type: Option<&str>, data: Bytes) -> Result<Event, Problem> {
    let mut event = Building::default();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("ce-") else { continue };
        let decoded = value.to_str().ok().and_then(|it| percent_decode_str(it).decode_utf8().ok());
        let value = decoded.ok_or_else(|| Problem::bad_event(format!("the header ce-{name} is not text")))?;
        event.set(name, value.into_owned())?;
    }
    event.content_type(content_type.map(str::to_owned));
    Ok(event.finish(data)?)
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        match invalid {
            Invalid::Event(detail) => Self::bad_event(detail),
            Invalid::TooMany(most) => Self::too_many_events(most),
        }
    }
}
