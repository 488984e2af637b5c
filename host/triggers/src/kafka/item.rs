//! A record on its way through a source: what came of it so far, and what it leaves.

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use host_core::{
    call::Place,
    event::{Event, Failure},
};
use rdkafka::{
    Message as _, Timestamp,
    message::{BorrowedHeaders, BorrowedMessage, Header, Headers as _, OwnedHeaders},
};

use super::{message::Incoming, producer::Record};
use crate::handover::{Fate, Left};

/// A record that was read and is not settled. It stays in librdkafka's memory, and becomes an event for each attempt.
pub(super) struct Item<'q> {
    pub(super) record: BorrowedMessage<'q>,
    /// How many attempts were made.
    pub(super) attempts: u32,
    pub(super) state: State,
}

/// What came of a record so far.
pub(super) enum State {
    /// It is to be tried.
    Pending,
    /// It left this.
    Done(Left),
    /// It is given up.
    Dead(Failure, Letter),
    /// The function wants attention.
    Halt(Failure),
}

/// How far a dead letter has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Letter {
    /// It is nowhere yet.
    New,
    /// The host keeps it; it still goes to the topic for dead letters, if there is one.
    Kept,
    /// The host keeps it, and the topic does not take it.
    KeptOnly,
}

impl<'q> Item<'q> {
    pub(super) fn new(record: BorrowedMessage<'q>) -> Self {
        Self { record, attempts: 0, state: State::Pending }
    }

    /// Whether it can be settled.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.state, State::Done(_) | State::Dead(..))
    }

    /// Where it was read.
    pub(super) fn place(&self, topic: &Arc<str>) -> Place {
        let partition = u32::try_from(self.record.partition()).unwrap_or(0);
        Place { topic: Arc::clone(topic), partition, offset: u64::try_from(self.record.offset()).unwrap_or(0) }
    }

    /// Takes note of an attempt; what there is to wait for before the next one.
    pub(super) fn tried(&mut self, fate: Fate) -> Option<(Failure, std::time::Duration)> {
        let counts = !matches!(fate, Fate::NotYet(..));
        self.attempts += u32::from(counts);
        self.state = match fate {
            Fate::Done(left) => State::Done(left),
            Fate::Dead(failure) => State::Dead(failure, Letter::New),
            Fate::Halt(failure) => State::Halt(failure),
            Fate::Again(failure, wait) | Fate::NotYet(failure, wait) => return Some((failure, wait)),
        };
        None
    }

    /// What it left is larger than its topic takes: the event is given up, or its letter is kept on the host alone.
    pub(super) fn too_large(&mut self) {
        let failure = Failure::invalid("output-too-large", "an output is larger than its topic takes");
        self.state = match std::mem::replace(&mut self.state, State::Pending) {
            State::Dead(failure, _) => State::Dead(failure, Letter::KeptOnly),
            _ => State::Dead(failure, Letter::New),
        };
    }
}

/// How many bytes a record takes.
pub(super) fn size(record: &BorrowedMessage<'_>) -> u64 {
    (record.payload_len() + record.key_len() + 64) as u64
}

/// The event that a record is or becomes.
pub(super) fn event(record: &BorrowedMessage<'_>) -> Event {
    let timestamp_ms = match record.timestamp() {
        Timestamp::CreateTime(ms) | Timestamp::LogAppendTime(ms) if ms >= 0 => Some(ms),
        _ => None,
    };
    let incoming = Incoming {
        topic: record.topic(),
        partition: record.partition(),
        offset: record.offset(),
        timestamp_ms,
        key: record.key(),
        payload: record.payload(),
        headers: record.headers().map(headers).unwrap_or_default(),
    };
    incoming.event()
}

/// The headers of a record. rdkafka panics where a header's name is no text, which anybody may write; such a record
/// has no headers for us.
fn headers(headers: &BorrowedHeaders) -> Vec<(&str, &[u8])> {
    let read = || headers.iter().map(|it| (it.key, it.value.unwrap_or_default())).collect();
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_default()
}

/// What a dead letter says of itself.
pub(super) struct Reason<'r> {
    pub(super) failure: &'r Failure,
    pub(super) attempts: u32,
    pub(super) revision: &'r str,
}

/// The record of a dead letter: the original, with why and where from.
pub(super) fn letter<'r>(
    topic: Arc<str>,
    record: &'r BorrowedMessage<'_>,
    reason: &Reason<'_>,
    item: usize,
) -> Record<'r> {
    let original = record.headers().map(BorrowedHeaders::detach).unwrap_or_default();
    let own = [
        ("weft-reason", reason.failure.code.clone()),
        ("weft-message", reason.failure.message.clone()),
        ("weft-revision", reason.revision.to_owned()),
        ("weft-attempts", reason.attempts.to_string()),
        ("weft-topic", record.topic().to_owned()),
        ("weft-partition", record.partition().to_string()),
        ("weft-offset", record.offset().to_string()),
    ];
    let header_bytes = own.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
    let add = |headers: OwnedHeaders, (key, value): &(&str, String)| {
        headers.insert(Header { key, value: Some(value.as_bytes()) })
    };
    Record {
        topic,
        key: record.key().map(Cow::Borrowed),
        payload: record.payload().map(Cow::Borrowed),
        headers: Some(own.iter().fold(original, add)),
        header_bytes,
        item,
    }
}
