//! What the lanes of a running source share: the function, the way out, the bounds, and how it came to an end.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Duration,
};

use host_core::{
    event::Failure,
    manifest::KafkaTrigger,
    ports::{SourceError, TriggerId, TriggerState},
};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    config::Config,
    producer::{Producer, Record, Unsent},
    transaction::Transactions,
};
use crate::{board::Board, handover::Handover, source::Rooms};

/// Waits from this length on are shown.
const SHOWN: Duration = Duration::from_secs(1);

/// What all lanes of a source share.
pub(super) struct Running {
    pub(super) rooms: Rooms,
    pub(super) id: TriggerId,
    pub(super) trigger: KafkaTrigger,
    pub(super) config: Config,
    pub(super) handover: Handover,
    pub(super) exit: Exit,
    pub(super) outlets: Arc<Outlets>,
    pub(super) board: Arc<Board>,
    /// The bytes that may be read and not settled.
    pub(super) in_flight: Semaphore,
    /// Set when the source is to end: asked to, or broken.
    pub(super) ended: CancellationToken,
    /// Set when nobody waits for the source any more: nothing is settled from then on.
    pub(super) gone: CancellationToken,
    broken: Mutex<Option<SourceError>>,
    waiting: AtomicUsize,
}

/// The way out.
pub(super) enum Exit {
    /// Records are confirmed, then their offsets are committed.
    Confirmed(Producer),
    /// Records and offsets are one transaction.
    Transactional(Transactions),
}

impl Exit {
    /// Sends what a batch left; durable when this returns. With transactions `next` is committed with it.
    pub(super) async fn send(&self, mut records: Vec<Record>, place: (Arc<str>, i32), next: i64) -> Result<(), Unsent> {
        match self {
            Self::Confirmed(_) if records.is_empty() => Ok(()),
            Self::Confirmed(producer) => producer.send_all(&mut records).await,
            Self::Transactional(transactions) => transactions.settle(records, place, next).await,
        }
    }
}

/// What a [`Running`] is made of, besides what is its own.
pub(super) struct Parts {
    pub(super) rooms: Rooms,
    pub(super) id: TriggerId,
    pub(super) trigger: KafkaTrigger,
    pub(super) config: Config,
    pub(super) exit: Exit,
    pub(super) outlets: Arc<Outlets>,
    pub(super) board: Arc<Board>,
}

impl Running {
    pub(super) fn new(parts: Parts, ended: CancellationToken, gone: CancellationToken) -> Self {
        let Parts { rooms, id, trigger, config, exit, outlets, board } = parts;
        let retry = trigger.retry.rule();
        let handover = Handover::new(rooms.clone(), id.clone(), "kafka", retry, Arc::clone(&board));
        let in_flight = Semaphore::new(permits(trigger.in_flight.0) as usize);
        let (broken, waiting) = (Mutex::default(), AtomicUsize::new(0));
        Self { rooms, id, trigger, config, handover, exit, outlets, board, in_flight, ended, gone, broken, waiting }
    }

    /// Ends the source for this reason, unless it has one already.
    pub(super) fn fail(&self, error: SourceError) {
        self.broken.lock().get_or_insert(error);
        self.ended.cancel();
    }

    /// Why it ended, if it was not asked to.
    pub(super) fn failed(&self) -> Option<SourceError> {
        self.broken.lock().take()
    }

    /// Shows that it waits for an event that failed, until what is returned is dropped.
    pub(super) fn backs_off(&self, failure: &Failure, wait: Duration, attempts: u32) -> Option<Waiting<'_>> {
        if attempts == 0 && wait < SHOWN {
            return None;
        }
        self.waiting.fetch_add(1, SeqCst);
        self.board.state(TriggerState::BackingOff, Some(format!("{}: {}", failure.code, failure.message)));
        Some(Waiting(self))
    }
}

/// A lane that waits.
pub(super) struct Waiting<'r>(&'r Running);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.0.waiting.fetch_sub(1, SeqCst) == 1 && !self.0.ended.is_cancelled() {
            self.0.board.state(TriggerState::Running, None);
        }
    }
}

/// How many permits a number of bytes are.
pub(super) fn permits(bytes: u64) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX).max(1)
}

/// Which topic each outlet leads to.
pub(super) struct Outlets {
    only: Option<Arc<str>>,
    named: HashMap<String, Arc<str>>,
    dropped: AtomicU64,
    warned: AtomicBool,
}

impl Outlets {
    pub(super) fn of(trigger: &KafkaTrigger) -> Self {
        let named = trigger.outputs.iter().map(|(outlet, topic)| (outlet.clone(), topic.as_str().into()));
        Self {
            only: trigger.output.as_deref().map(Into::into),
            named: named.collect(),
            dropped: AtomicU64::new(0),
            warned: AtomicBool::new(false),
        }
    }

    /// The topic; nothing where the manifest names none: the output is dropped, counted, and told of once.
    pub(super) fn topic(&self, outlet: &str, id: &TriggerId) -> Option<Arc<str>> {
        let topic = if outlet.is_empty() { self.only.as_ref() } else { self.named.get(outlet) };
        if topic.is_none() {
            self.dropped.fetch_add(1, Relaxed);
            if !self.warned.swap(true, Relaxed) {
                tracing::warn!(
                    project = %id.project, function = %id.function, trigger = id.name, outlet,
                    "outputs are dropped: the trigger names no topic for this outlet; write `output` or `[triggers.outputs]`"
                );
            }
        }
        topic.cloned()
    }

    /// How many outputs had nowhere to go.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}
