//! What the lanes of a running source share: the function, the way out, the bounds, and how it came to an end.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
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
    standing: Mutex<Standing>,
}

/// How the source stands. The worst of it is what people see.
#[derive(Debug, Default)]
struct Standing {
    /// Whether it has partitions, or knows that others have them.
    reads: bool,
    /// Why no broker answers.
    down: Option<String>,
    /// What the brokers do not let it read.
    refused: Option<String>,
    /// How many lanes wait for something that failed, and for what the last one does.
    waiting: usize,
    cause: String,
}

impl Standing {
    /// What is shown; nothing while it is still being opened.
    fn shown(&self) -> Option<(TriggerState, Option<String>)> {
        match (self.down.as_ref().or(self.refused.as_ref()), self.waiting) {
            (Some(why), _) => Some((TriggerState::Failing, Some(why.clone()))),
            (None, 1..) => Some((TriggerState::BackingOff, Some(self.cause.clone()))),
            (None, 0) => self.reads.then_some((TriggerState::Running, None)),
        }
    }
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
    pub(super) async fn send(
        &self,
        mut records: Vec<Record<'_>>,
        place: (Arc<str>, i32),
        next: i64,
    ) -> Result<(), Unsent> {
        match self {
            Self::Confirmed(_) if records.is_empty() => Ok(()),
            Self::Confirmed(producer) => producer.send_all(&mut records).await,
            Self::Transactional(transactions) => {
                let records = records.into_iter().map(Record::into_owned).collect();
                transactions.settle(records, place, next).await
            }
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
        let (broken, standing) = (Mutex::default(), Mutex::default());
        Self { rooms, id, trigger, config, handover, exit, outlets, board, in_flight, ended, gone, broken, standing }
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
        self.stands(|it| {
            it.waiting += 1;
            it.cause = format!("{}: {}", failure.code, failure.message);
        });
        Some(Waiting(self))
    }

    /// It knows its partitions: the brokers answer, and let it read.
    pub(super) fn reads(&self) {
        self.stands(|it| (it.reads, it.down, it.refused) = (true, None, None));
    }

    /// No broker answers, for this reason; or one does again.
    pub(super) fn is_down(&self, why: Option<String>) {
        self.stands(|it| it.down = why);
    }

    /// The brokers do not let it read, for this reason.
    pub(super) fn is_refused(&self, why: String) {
        self.stands(|it| it.refused = Some(why));
    }

    /// Takes note, and shows how it stands now. What has ended shows nothing any more.
    fn stands(&self, note: impl FnOnce(&mut Standing)) {
        let mut standing = self.standing.lock();
        note(&mut standing);
        if let Some((state, cause)) = standing.shown().filter(|_| !self.ended.is_cancelled()) {
            self.board.state(state, cause);
        }
    }
}

/// A lane that waits.
pub(super) struct Waiting<'r>(&'r Running);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.stands(|it| it.waiting = it.waiting.saturating_sub(1));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_shown_and_what_is_over_is_not() {
        let mut standing = Standing::default();
        assert_eq!(standing.shown(), None, "it is being opened");
        standing.reads = true;
        assert_eq!(standing.shown(), Some((TriggerState::Running, None)));
        (standing.waiting, standing.cause) = (1, "busy".into());
        assert_eq!(standing.shown(), Some((TriggerState::BackingOff, Some("busy".into()))));
        standing.down = Some("no broker".into());
        assert_eq!(standing.shown(), Some((TriggerState::Failing, Some("no broker".into()))));
        standing.waiting = 0;
        assert_eq!(standing.shown().unwrap().0, TriggerState::Failing, "an event that goes on makes no broker answer");
        standing.down = None;
        assert_eq!(standing.shown(), Some((TriggerState::Running, None)));
    }
}
