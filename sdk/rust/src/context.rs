//! What a function may know about the call it is in.

use std::time::Duration;

use crate::host;

/// Where on a stream an event was read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    /// The topic or queue.
    pub topic: String,
    /// The partition of the topic.
    pub partition: u32,
    /// The offset in the partition.
    pub offset: u64,
}

/// What woke the function.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Trigger {
    /// Its kind: `http`, `kafka`, `schedule`, …
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// The id of this call, as logs and records show it.
#[must_use]
pub fn call_id() -> String {
    host::context::call_id()
}

/// The id of the revision that is running.
#[must_use]
pub fn revision() -> String {
    host::context::revision()
}

/// Which attempt this is, counted from 1.
#[must_use]
pub fn attempt() -> u32 {
    host::context::attempt()
}

/// How long until the deadline.
#[must_use]
pub fn remaining() -> Duration {
    Duration::from_millis(host::context::remaining_ms())
}

/// Whether the caller no longer wants the answer.
#[must_use]
pub fn cancelled() -> bool {
    host::context::cancelled()
}

/// The W3C trace context of the call.
#[must_use]
pub fn traceparent() -> Option<String> {
    host::context::traceparent()
}

/// What woke the function.
#[must_use]
pub fn trigger() -> Trigger {
    let (kind, name) = host::context::trigger();
    Trigger { kind, name }
}

/// Where the event at that index of the batch was read; [`Event::origin`](crate::Event::origin) knows the index.
#[must_use]
pub fn origin(index: u32) -> Option<Place> {
    host::context::origin(index).map(|place| Place {
        topic: place.topic,
        partition: place.partition,
        offset: place.offset,
    })
}
