//! Events over HTTP: the lines before an empty line are the headers, the rest is the body.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// More events than this are refused.
const MOST: usize = 100;

/// An event that is accepted has what CloudEvents requires.
pub(crate) fn run(bytes: &[u8]) {
    let Some((headers, body)) = split(bytes) else { return };
    let Ok(events) = host_triggers::http::events(&headers, body, MOST) else { return };
    assert!(events.len() <= MOST, "{} events were let in", events.len());
    for event in events {
        assert!(!event.id.is_empty() && !event.source.is_empty() && !event.r#type.is_empty(), "{event:?}");
    }
}

fn split(bytes: &[u8]) -> Option<(HeaderMap, Bytes)> {
    let mut lines = [httparse::EMPTY_HEADER; 64];
    let httparse::Status::Complete((length, lines)) = httparse::parse_headers(bytes, &mut lines).ok()? else {
        return None;
    };
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(HeaderName::from_bytes(line.name.as_bytes()).ok()?, HeaderValue::from_bytes(line.value).ok()?);
    }
    Some((headers, Bytes::copy_from_slice(bytes.get(length..)?)))
}
