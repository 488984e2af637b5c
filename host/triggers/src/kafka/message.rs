//! Kafka's records and CloudEvents: binary mode, structured mode, and records that are neither.

use std::borrow::Cow;

use bytes::Bytes;
use host_core::{
    clock::from_micros,
    event::{Event, Output, is_attribute},
};

use crate::{
    cloudevents::{self, Building},
    handover::Left,
};

/// What the headers of binary mode begin with.
const PREFIX: &str = "ce_";
/// The type of an event that was no CloudEvent.
const RECORD: &str = "weft.kafka.record";
/// How many headers of a record become extensions; the others are left out.
const MOST_EXTENSIONS: usize = 64;

/// A record as it was read, borrowed from wherever it lies.
pub(super) struct Incoming<'r> {
    pub(super) topic: &'r str,
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// When it was written, milliseconds since the epoch.
    pub(super) timestamp_ms: Option<i64>,
    pub(super) key: Option<&'r [u8]>,
    pub(super) payload: Option<&'r [u8]>,
    pub(super) headers: Vec<(&'r str, &'r [u8])>,
}

impl Incoming<'_> {
    /// The event that it is or becomes.
    ///
    /// What calls itself a CloudEvent and is none is taken as it stands, like any other record: no record is lost for
    /// the form of its headers.
    pub(super) fn event(&self) -> Event {
        let event = if self.headers.is_empty() { None } else { self.cloud_event() };
        let mut event = event.unwrap_or_else(|| self.plain());
        if let Some(key) = self.key {
            event.key = Some(Bytes::copy_from_slice(key));
        }
        event
    }

    fn cloud_event(&self) -> Option<Event> {
        let content_type = self.content_type();
        if content_type.is_some_and(|it| is_media_type(it, cloudevents::JSON)) {
            let mut event = cloudevents::from_json(self.payload?).ok()?;
            self.add_traceparent(&mut event);
            return Some(event);
        }
        self.header("ce_specversion")?;
        let mut building = Building::default();
        building.content_type(content_type.map(str::to_owned));
        for (name, value) in self.headers.iter().take(MOST_EXTENSIONS) {
            let Some(name) = name.strip_prefix(PREFIX) else { continue };
            building.set(name, text(value)?.to_owned()).ok()?;
        }
        let mut event = building.finish(self.data()).ok()?;
        self.add_traceparent(&mut event);
        Some(event)
    }

    fn plain(&self) -> Event {
        let subject = self.key.and_then(text).filter(|it| !it.is_empty()).map(str::to_owned);
        let mut extensions: Vec<(String, String)> = Vec::new();
        for (name, value) in self.headers.iter().take(MOST_EXTENSIONS) {
            let Some(value) = text(value) else { continue };
            if is_extension(name) && !extensions.iter().any(|(known, _)| known == name) {
                extensions.push(((*name).to_owned(), value.to_owned()));
            }
        }
        Event {
            id: format!("{}/{}/{}", self.topic, self.partition, self.offset),
            source: ["kafka:", self.topic].concat(),
            r#type: RECORD.to_owned(),
            subject,
            time: self.timestamp_ms.map(moment),
            content_type: self.content_type().map(str::to_owned),
            key: None,
            inlet: String::new(),
            extensions,
            data: self.data(),
        }
    }

    fn data(&self) -> Bytes {
        self.payload.map_or_else(Bytes::new, Bytes::copy_from_slice)
    }

    fn content_type(&self) -> Option<&str> {
        let named = |it: &&(&str, &[u8])| it.0.eq_ignore_ascii_case("content-type");
        self.headers.iter().find(named).and_then(|(_, value)| text(value))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|it| it.0 == name).and_then(|(_, value)| text(value))
    }

    /// The header of the trace counts where the event has no such extension.
    fn add_traceparent(&self, event: &mut Event) {
        let Some(trace) = self.header("traceparent") else { return };
        if !event.extensions.iter().any(|(name, _)| name == "traceparent") {
            event.extensions.push(("traceparent".to_owned(), trace.to_owned()));
        }
    }
}

/// An event on its way out, borrowed from wherever it lies.
#[derive(Debug)]
pub(super) struct EventRef<'e> {
    id: Cow<'e, str>,
    source: &'e str,
    r#type: &'e str,
    subject: Option<&'e str>,
    time: Option<&'e str>,
    content_type: Option<&'e str>,
    key: Option<&'e [u8]>,
    extensions: &'e [(String, String)],
    pub(super) data: &'e [u8],
}

impl<'e> From<&'e Event> for EventRef<'e> {
    fn from(event: &'e Event) -> Self {
        Self {
            id: Cow::Borrowed(&event.id),
            source: &event.source,
            r#type: &event.r#type,
            subject: event.subject.as_deref(),
            time: event.time.as_deref(),
            content_type: event.content_type.as_deref(),
            key: event.key.as_deref(),
            extensions: &event.extensions,
            data: &event.data,
        }
    }
}

impl<'e> EventRef<'e> {
    /// The output of this number.
    pub(super) fn output(left: &'e Left, number: usize, output: &'e Output) -> Self {
        Self {
            id: Cow::Owned(left.id(number)),
            source: &left.source,
            r#type: &output.r#type,
            subject: output.subject.as_deref(),
            time: Some(&left.time),
            content_type: output.content_type.as_deref(),
            key: output.key.as_deref(),
            extensions: &output.extensions,
            data: &output.data,
        }
    }

    /// The key it is written with: its own, else what its extension says.
    pub(super) fn key(&self) -> Option<&'e [u8]> {
        let named = || self.extensions.iter().find(|(name, _)| name == "partitionkey");
        self.key.or_else(|| named().map(|(_, value)| value.as_bytes()))
    }
}

/// Calls `header` with each header of an event in binary mode, in an order that does not change.
pub(super) fn binary_headers(event: &EventRef<'_>, mut header: impl FnMut(&str, &[u8])) {
    header("ce_specversion", b"1.0");
    header("ce_id", event.id.as_bytes());
    header("ce_source", event.source.as_bytes());
    header("ce_type", event.r#type.as_bytes());
    let optional = [("ce_subject", event.subject), ("ce_time", event.time), ("content-type", event.content_type)];
    for (name, value) in optional {
        if let Some(value) = value {
            header(name, value.as_bytes());
        }
    }
    let mut room = String::new();
    for (name, value) in event.extensions {
        if !is_extension(name) {
            continue;
        }
        room.clear();
        room.push_str(PREFIX);
        room.push_str(name);
        header(&room, value.as_bytes());
        if name == "traceparent" {
            header("traceparent", value.as_bytes());
        }
    }
}

/// Whether a header's name can name an extension.
fn is_extension(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    !name.is_empty() && name.len() <= 100 && name.bytes().all(plain) && !is_attribute(name)
}

fn is_media_type(content_type: &str, media_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|it| it.trim().eq_ignore_ascii_case(media_type))
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn moment(ms: i64) -> String {
    from_micros(ms.saturating_mul(1_000)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'r>(payload: &'r [u8], headers: &[(&'r str, &'r str)]) -> Incoming<'r> {
        Incoming {
            topic: "orders",
            partition: 3,
            offset: 42,
            timestamp_ms: Some(1_700_000_000_123),
            key: Some(b"k-1"),
            payload: Some(payload),
            headers: headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect(),
        }
    }

    fn written(event: &Event) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        binary_headers(&event.into(), |name, value| {
            headers.push((name.to_owned(), String::from_utf8(value.to_vec()).unwrap()));
        });
        headers
    }

    const BINARY: [(&str, &str); 8] = [
        ("ce_specversion", "1.0"),
        ("ce_id", "e-1"),
        ("ce_source", "/shop"),
        ("ce_type", "order.created"),
        ("ce_subject", "order 7"),
        ("ce_time", "2026-01-02T03:04:05Z"),
        ("content-type", "application/json"),
        ("ce_region", "north"),
    ];

    #[test]
    fn a_record_in_binary_mode_is_its_event_and_is_written_as_it_was_read() {
        let event = record(b"{}", &BINARY).event();
        assert_eq!(
            (event.id.as_str(), event.source.as_str(), event.r#type.as_str()),
            ("e-1", "/shop", "order.created")
        );
        assert_eq!(
            (event.key.as_deref(), event.content_type.as_deref()),
            (Some(&b"k-1"[..]), Some("application/json"))
        );
        let expected: Vec<_> = BINARY.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(written(&event), expected);
    }

    #[test]
    fn a_record_in_structured_mode_is_its_event_with_the_records_key() {
        let json = br#"{"specversion":"1.0","id":"a","source":"/s","type":"t","partitionkey":"other","data":{"x":1}}"#;
        let event = record(json, &[("content-type", "application/cloudevents+json; charset=utf-8")]).event();
        assert_eq!((event.id.as_str(), &event.data[..]), ("a", &br#"{"x":1}"#[..]));
        assert_eq!(event.key.as_deref(), Some(&b"k-1"[..]), "the record's key counts");
        assert_eq!(written(&event).iter().filter(|it| it.0 == "ce_partitionkey").count(), 1);
    }

    #[test]
    fn any_other_record_becomes_an_event_of_its_place() {
        let headers =
            [("content-type", "text/plain"), ("region", "north"), ("id", "x"), ("X-Bad", "y"), ("region", "z")];
        let event = record(b"hello", &headers).event();
        assert_eq!((event.id.as_str(), event.source.as_str()), ("orders/3/42", "kafka:orders"));
        assert_eq!((event.r#type.as_str(), event.subject.as_deref()), (RECORD, Some("k-1")));
        assert_eq!(event.time.as_deref(), Some("2023-11-14T22:13:20.123Z"));
        assert_eq!(event.content_type.as_deref(), Some("text/plain"));
        assert_eq!(event.extensions, [("region".to_owned(), "north".to_owned())]);
    }

    #[test]
    fn what_is_no_whole_cloud_event_is_a_record_like_others() {
        for headers in [&BINARY[..2], &BINARY[1..]] {
            assert_eq!(record(b"{}", headers).event().r#type, RECORD);
        }
        let structured = [("content-type", "application/cloudevents+json")];
        assert_eq!(record(b"not json", &structured).event().r#type, RECORD);
        let mut bare = record(b"", &[]);
        (bare.payload, bare.key, bare.timestamp_ms) = (None, None, None);
        let event = bare.event();
        assert!(event.data.is_empty() && event.key.is_none() && event.time.is_none() && event.subject.is_none());
    }

    #[test]
    fn a_trace_travels_as_a_header_and_as_an_extension() {
        let mut headers = BINARY.to_vec();
        headers.push(("traceparent", "00-a-b-01"));
        let event = record(b"{}", &headers).event();
        assert!(event.extensions.contains(&("traceparent".into(), "00-a-b-01".into())));
        let written = written(&event);
        for name in ["traceparent", "ce_traceparent"] {
            assert!(written.contains(&(name.into(), "00-a-b-01".into())), "{name}");
        }
    }

    #[test]
    fn names_that_do_not_fit_are_not_written() {
        let mut event = record(b"", &[]).event();
        event.extensions =
            vec![("Bad\0Name".into(), "x".into()), ("id".into(), "y".into()), ("good".into(), "z".into())];
        let names: Vec<_> = written(&event).into_iter().map(|(name, _)| name).collect();
        assert!(names.contains(&"ce_good".to_owned()) && names.iter().all(|it| !it.contains('\0')), "{names:?}");
        assert_eq!(names.iter().filter(|it| *it == "ce_id").count(), 1);
    }

    #[test]
    fn the_key_of_an_output_may_be_an_extension() {
        let mut event = record(b"", &[]).event();
        assert_eq!(EventRef::from(&event).key(), Some(&b"k-1"[..]));
        event.key = None;
        event.extensions.push(("partitionkey".into(), "p".into()));
        assert_eq!(EventRef::from(&event).key(), Some(&b"p"[..]));
    }

    #[test]
    fn headers_beyond_the_bound_are_left_out() {
        let names: Vec<String> = (0..1_000).map(|it| format!("h{it}")).collect();
        let headers: Vec<_> = names.iter().map(|it| (it.as_str(), "v")).collect();
        assert_eq!(record(b"", &headers).event().extensions.len(), MOST_EXTENSIONS);
    }
}
