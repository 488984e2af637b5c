//! Messages as CloudEvents and back: binary, with attributes as headers; structured, in JSON; and any other message.

use std::sync::Arc;

use bytes::Bytes;
use host_core::{
    event::{Event, Failure, is_attribute},
    retry::MAX_ATTEMPTS,
};
use jiff::Timestamp;
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, ShortString},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::address::short;
use crate::cloudevents::{Building, Invalid, JSON, from_json, to_json};

/// How often a message was tried that comes from a retry queue.
const ATTEMPTS: &str = "weft-attempts";
/// Where a message came from before it went through a retry queue.
const EXCHANGE: &str = "weft-exchange";
const ROUTING_KEY: &str = "weft-routing-key";
/// What the attributes of an event are called as headers; the second form is read too.
const PREFIX: &str = "cloudEvents:";
const OTHER_PREFIX: &str = "cloudEvents_";
/// Attributes beyond this many bytes travel in the body, because headers have to fit one frame.
const MOST_HEADERS: usize = 32 << 10;
/// The most of a failure's message that a header holds.
const MOST_MESSAGE: usize = 1_024;
/// Kept on disk.
const PERSISTENT: u8 = 2;
/// What a URI reference may hold of a queue's name as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A message to be published.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Message {
    pub(super) properties: BasicProperties,
    pub(super) body: Bytes,
}

/// A message as it was read.
#[derive(Debug, Clone)]
pub(super) struct Arrived {
    /// The queue it was read from.
    pub(super) queue: Arc<str>,
    /// What stands for its id, where it has none: another one for every message and every time it is read.
    pub(super) place: String,
    pub(super) exchange: ShortString,
    pub(super) routing_key: ShortString,
    pub(super) properties: BasicProperties,
    pub(super) body: Bytes,
}

/// Why and by whom a message was given up.
pub(super) struct Verdict<'a> {
    pub(super) failure: &'a Failure,
    pub(super) attempts: u32,
    pub(super) revision: Option<&'a str>,
}

impl Message {
    /// An event in binary mode; in JSON, where its attributes are too long for headers.
    pub(super) fn of(event: &Event) -> Self {
        let mut headers = FieldTable::default();
        let mut size = 0;
        for (name, value) in attributes(event) {
            size += name.len() + value.len() + PREFIX.len();
            if name == "traceparent" || name == "tracestate" {
                put(&mut headers, &name, text(&value));
            }
            put(&mut headers, &format!("{PREFIX}{name}"), text(&value));
        }
        let plain = event.content_type.as_deref().map(|it| (it, short(it)));
        if size > MOST_HEADERS || matches!(plain, Some((_, None))) {
            return Self::in_json(event);
        }
        let mut properties = sent(event).with_headers(headers);
        if let Some((_, Some(content_type))) = plain {
            properties = properties.with_content_type(content_type);
        }
        Self { properties, body: event.data.clone() }
    }

    fn in_json(event: &Event) -> Self {
        let mut event = event.clone();
        event.extensions = attributes(&event).filter(|(name, _)| !is_attribute(name)).collect();
        let properties = sent(&event).with_content_type(ShortString::from(JSON));
        Self { properties, body: to_json(&event).to_string().into() }
    }
}

/// All attributes of an event but the media type, by their names.
fn attributes(event: &Event) -> impl Iterator<Item = (String, String)> {
    let own = [
        ("specversion", Some("1.0")),
        ("id", Some(&*event.id)),
        ("source", Some(&*event.source)),
        ("type", Some(&*event.r#type)),
        ("subject", event.subject.as_deref()),
        ("time", event.time.as_deref()),
    ];
    let key = event.key.as_deref().and_then(|it| std::str::from_utf8(it).ok());
    let has_key = event.extensions.iter().any(|(name, _)| name == "partitionkey");
    let key = key.filter(|_| !has_key).map(|it| ("partitionkey", it));
    let own = own.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(key);
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let extensions = event.extensions.iter().filter(|(name, _)| !is_attribute(name)).cloned();
    own.collect::<Vec<_>>().into_iter().chain(extensions.collect::<Vec<_>>())
}

/// What every message bears that we make.
fn sent(event: &Event) -> BasicProperties {
    let mut properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
    if let Some(id) = short(&event.id) {
        properties = properties.with_message_id(id);
    }
    let time: Option<Timestamp> = event.time.as_deref().and_then(|it| it.parse().ok());
    match time.and_then(|it| u64::try_from(it.as_second()).ok()) {
        Some(seconds) => properties.with_timestamp(seconds),
        None => properties,
    }
}

impl Arrived {
    /// The event that it is. The error says what is wrong with one that claims to be a CloudEvent.
    pub(super) fn event(&self) -> Result<Event, Invalid> {
        let content_type = self.properties.content_type().as_ref().map_or("", ShortString::as_str);
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        let mut event = if media_type.eq_ignore_ascii_case(JSON) {
            from_json(&self.body)?
        } else if self.attribute("specversion").is_some() {
            self.binary()?
        } else {
            return Ok(self.plain());
        };
        let known = |name: &str| event.extensions.iter().any(|(it, _)| it == name);
        let trace = ["traceparent", "tracestate"].into_iter().filter(|name| !known(name));
        let trace: Vec<_> = trace.filter_map(|name| Some((name.to_owned(), text_of(self.header(name)?)?))).collect();
        event.extensions.extend(trace);
        Ok(event)
    }

    fn binary(&self) -> Result<Event, Invalid> {
        let mut building = Building::default();
        for (header, value) in self.headers() {
            let Some(name) = attribute_in(header.as_str()) else { continue };
            let Some(value) = text_of(value) else { continue };
            building.set(name, value)?;
        }
        if let Some(content_type) = self.properties.content_type() {
            building.content_type(Some(content_type.to_string()));
        }
        building.finish(self.body.clone())
    }

    /// Any message as an event.
    pub(super) fn plain(&self) -> Event {
        let properties = &self.properties;
        let time = properties.timestamp().and_then(|it| Timestamp::from_second(i64::try_from(it).ok()?).ok());
        let extensions = self.extensions();
        let key = extensions.iter().find(|(name, _)| name == "partitionkey");
        Event {
            id: properties.message_id().as_ref().map_or_else(|| self.place.clone(), ToString::to_string),
            source: format!("amqp:{}", utf8_percent_encode(&self.queue, ENCODED)),
            r#type: "weft.amqp.message".to_owned(),
            subject: self.subject(),
            time: time.map(|it| it.to_string()),
            content_type: properties.content_type().as_ref().map(ToString::to_string),
            key: key.map(|(_, value)| Bytes::copy_from_slice(value.as_bytes())),
            inlet: String::new(),
            extensions,
            data: self.body.clone(),
        }
    }

    /// The key by which an exchange routed it; by the default exchange it would only be the queue.
    fn subject(&self) -> Option<String> {
        let (exchange, key) = self.routed();
        (!exchange.is_empty() && !key.is_empty()).then_some(key)
    }

    /// Exchange and routing key as they were before any retry queue.
    fn routed(&self) -> (String, String) {
        match (self.header(EXCHANGE).and_then(text_of), self.header(ROUTING_KEY).and_then(text_of)) {
            (Some(exchange), Some(key)) => (exchange, key),
            _ => (self.exchange.to_string(), self.routing_key.to_string()),
        }
    }

    fn extensions(&self) -> Vec<(String, String)> {
        let properties = [
            ("correlationid", self.properties.correlation_id()),
            ("replyto", self.properties.reply_to()),
            ("appid", self.properties.app_id()),
            ("messagetype", self.properties.kind()),
        ];
        let properties =
            properties.into_iter().filter_map(|(name, it)| Some((name.to_owned(), it.as_ref()?.to_string())));
        let fits = |name: &str| name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
        let headers = self.headers().filter(|(name, _)| !name.as_str().is_empty() && fits(name.as_str()));
        let headers = headers.filter(|(name, _)| !is_attribute(name.as_str()));
        let headers = headers.filter_map(|(name, value)| Some((name.to_string(), text_of(value)?)));
        let mut extensions: Vec<_> = headers.collect();
        let known = |name: &str, all: &[(String, String)]| all.iter().any(|(it, _)| it == name);
        for (name, value) in properties {
            if !known(&name, &extensions) {
                extensions.push((name, value));
            }
        }
        extensions
    }

    fn headers(&self) -> impl Iterator<Item = (&ShortString, &AMQPValue)> {
        self.properties.headers().iter().flatten()
    }

    fn header(&self, name: &str) -> Option<&AMQPValue> {
        self.properties.headers().as_ref()?.inner().get(name)
    }

    fn attribute(&self, name: &str) -> Option<&AMQPValue> {
        self.header(&format!("{PREFIX}{name}")).or_else(|| self.header(&format!("{OTHER_PREFIX}{name}")))
    }

    /// How often it was tried before it came here.
    pub(super) fn attempts(&self) -> u32 {
        let attempts = self.header(ATTEMPTS).and_then(number_of).unwrap_or(0);
        u32::try_from(attempts).unwrap_or(0).min(MAX_ATTEMPTS)
    }

    /// How often a quorum queue says that it was handed out in vain.
    pub(super) fn redeliveries(&self) -> i64 {
        self.header("x-delivery-count").and_then(number_of).unwrap_or(0)
    }

    /// About how many bytes its headers take.
    pub(super) fn headers_size(&self) -> usize {
        self.headers().map(|(name, value)| name.as_str().len() + size_of_value(value)).sum()
    }

    /// The same message for a retry queue, after so many attempts.
    pub(super) fn again(&self, attempts: u32, wait_ms: u64) -> Message {
        let mut headers = self.carried_headers();
        put(&mut headers, ATTEMPTS, AMQPValue::LongInt(i32::try_from(attempts).unwrap_or(i32::MAX)));
        let (exchange, key) = self.routed();
        if !exchange.is_empty() {
            put(&mut headers, EXCHANGE, text(&exchange));
            put(&mut headers, ROUTING_KEY, text(&key));
        }
        let expiration = short(&wait_ms.to_string()).unwrap_or_default();
        let properties = self.carried().with_headers(headers).with_expiration(expiration);
        Message { properties, body: self.body.clone() }
    }

    /// The same message for a dead-letter queue. Its headers are left out where they leave no room for ours.
    pub(super) fn dead(&self, verdict: &Verdict<'_>, with_headers: bool) -> Message {
        let mut headers = if with_headers { self.carried_headers() } else { FieldTable::default() };
        let failure = verdict.failure;
        put(&mut headers, "weft-reason", text(cut(&failure.code, MOST_MESSAGE)));
        put(&mut headers, "weft-message", text(cut(&failure.message, MOST_MESSAGE)));
        if let Some(revision) = verdict.revision {
            put(&mut headers, "weft-revision", text(revision));
        }
        put(&mut headers, ATTEMPTS, AMQPValue::LongInt(i32::try_from(verdict.attempts).unwrap_or(i32::MAX)));
        put(&mut headers, "weft-queue", text(&self.queue));
        let (exchange, key) = self.routed();
        if !exchange.is_empty() {
            put(&mut headers, EXCHANGE, text(&exchange));
            put(&mut headers, ROUTING_KEY, text(&key));
        }
        Message { properties: self.carried().with_headers(headers), body: self.body.clone() }
    }

    /// What goes on with a message that we publish again: not its expiry, which would end it in our own queues; not
    /// the user, who has to be the publishing one.
    fn carried(&self) -> BasicProperties {
        let from = &self.properties;
        let id = from.message_id().clone().or_else(|| short(&self.place)).unwrap_or_default();
        let mut to = BasicProperties::default().with_delivery_mode(PERSISTENT).with_message_id(id);
        type With = fn(BasicProperties, ShortString) -> BasicProperties;
        let texts: [(&Option<ShortString>, With); 6] = [
            (from.content_type(), BasicProperties::with_content_type),
            (from.content_encoding(), BasicProperties::with_content_encoding),
            (from.correlation_id(), BasicProperties::with_correlation_id),
            (from.reply_to(), BasicProperties::with_reply_to),
            (from.kind(), BasicProperties::with_type),
            (from.app_id(), BasicProperties::with_app_id),
        ];
        for (value, with) in texts {
            if let Some(value) = value {
                to = with(to, value.clone());
            }
        }
        if let Some(priority) = from.priority() {
            to = to.with_priority(*priority);
        }
        if let Some(timestamp) = from.timestamp() {
            to = to.with_timestamp(*timestamp);
        }
        to
    }

    /// Headers but those that the server acts on: they would route it elsewhere, or take our queues for a circle.
    fn carried_headers(&self) -> FieldTable {
        let acted_on = |name: &str| {
            matches!(name, "CC" | "BCC" | "x-death" | "x-delivery-count" | "x-acquired-count")
                || name.starts_with("x-first-death-")
                || name.starts_with("x-last-death-")
        };
        let mut headers = FieldTable::default();
        for (name, value) in self.headers().filter(|(name, _)| !acted_on(name.as_str())) {
            headers.insert(name.clone(), value.clone());
        }
        headers
    }
}

/// The attribute that a header holds.
fn attribute_in(header: &str) -> Option<&str> {
    header.strip_prefix(PREFIX).or_else(|| header.strip_prefix(OTHER_PREFIX))
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.as_bytes().into())
}

/// Names beyond what the protocol holds are left out.
fn put(headers: &mut FieldTable, name: &str, value: AMQPValue) {
    if let Some(name) = short(name) {
        headers.insert(name, value);
    }
}

/// The longest beginning of at most so many bytes.
fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// A value as text, where it is a single one.
fn text_of(value: &AMQPValue) -> Option<String> {
    Some(match value {
        AMQPValue::LongString(it) => std::str::from_utf8(it.as_bytes()).ok()?.to_owned(),
        AMQPValue::ShortString(it) => it.to_string(),
        AMQPValue::Boolean(it) => it.to_string(),
        AMQPValue::Float(it) => it.to_string(),
        AMQPValue::Double(it) => it.to_string(),
        AMQPValue::Timestamp(it) => Timestamp::from_second(i64::try_from(*it).ok()?).ok()?.to_string(),
        other => number_of(other)?.to_string(),
    })
}

fn number_of(value: &AMQPValue) -> Option<i64> {
    Some(match value {
        AMQPValue::ShortShortInt(it) => (*it).into(),
        AMQPValue::ShortShortUInt(it) => (*it).into(),
        AMQPValue::ShortInt(it) => (*it).into(),
        AMQPValue::ShortUInt(it) => (*it).into(),
        AMQPValue::LongInt(it) => (*it).into(),
        AMQPValue::LongUInt(it) => (*it).into(),
        AMQPValue::LongLongInt(it) => *it,
        _ => return None,
    })
}

fn size_of_value(value: &AMQPValue) -> usize {
    const WITH_KIND: usize = 9;
    WITH_KIND
        + match value {
            AMQPValue::LongString(it) => it.len(),
            AMQPValue::ShortString(it) => it.as_str().len(),
            AMQPValue::ByteArray(it) => it.len(),
            AMQPValue::FieldArray(it) => it.as_slice().iter().map(size_of_value).sum(),
            AMQPValue::FieldTable(it) => {
                it.into_iter().map(|(name, value)| name.as_str().len() + size_of_value(value)).sum()
            }
            _ => 0,
        }
}

#[cfg(test)]
mod tests;
