//! Hands a batch of events to a function, and says what becomes of each: the same for every kind of source.

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use host_core::{
    call::{Call, CallContext, Place, Reply, Target, TriggerRef},
    event::{Event, Failure, FailureKind, Output, code, is_attribute},
    function::FunctionRef,
    ports::{DeadLetter, SourceError, TriggerId},
    retry::Retry,
};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{board::Board, source::Rooms};

/// What becomes of an event after an attempt.
#[derive(Debug)]
pub(crate) enum Fate {
    /// This goes out, then the event is settled.
    Done(Left),
    /// It is tried again after this wait; the attempt counted.
    Again(Failure, Duration),
    /// It is given up.
    Dead(Failure),
    /// The function wants attention: the trigger is to be paused, and the event kept where it is.
    Halt(Failure),
    /// The host has no room, or stops: it is tried again after this wait, and no attempt was made.
    NotYet(Failure, Duration),
}

impl Fate {
    /// Whether its batch was more than the function takes at once, which the event alone may not be.
    fn is_too_large(&self) -> bool {
        matches!(self, Self::Dead(failure) if failure.code == code::TOO_LARGE)
    }
}

/// What the function left for an event. What all outputs of a batch have in common is there once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    /// The event's.
    id: String,
    /// Where outputs come from, as a URI reference.
    pub(crate) source: Arc<str>,
    /// When they were made.
    pub(crate) time: Arc<str>,
    pub(crate) outputs: Vec<Output>,
}

impl Left {
    /// The identity of an output: the same however often its event is tried.
    pub(crate) fn id(&self, index: usize) -> String {
        let mut id = String::with_capacity(self.id.len() + 4);
        id.push_str(&self.id);
        // Memory takes what is written.
        let _ = write!(id, "/{index}");
        id
    }

    /// The outputs as whole events.
    pub(crate) fn whole(mut self) -> Vec<Outgoing> {
        let outputs = std::mem::take(&mut self.outputs);
        let whole = |(index, output): (usize, Output)| {
            let Output { outlet, r#type, subject, content_type, key, extensions, data } = output;
            let event = Event {
                id: self.id(index),
                source: self.source.to_string(),
                r#type,
                subject,
                time: Some(self.time.to_string()),
                content_type,
                key,
                inlet: String::new(),
                extensions,
                data,
            };
            Outgoing { outlet, event }
        };
        outputs.into_iter().enumerate().map(whole).collect()
    }
}

/// An output on its way: a whole event by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// Which of the function's outlets it left by; empty for the only one.
    pub(crate) outlet: String,
    /// The event.
    pub(crate) event: Event,
}

/// Hands events of one trigger to its function.
pub(crate) struct Handover {
    rooms: Rooms,
    id: TriggerId,
    trigger: TriggerRef,
    target: FunctionRef,
    /// Where outputs come from, as a URI reference.
    source: Arc<str>,
    retry: Retry,
    board: Arc<Board>,
    /// How long a call may take in all, its events' runs one by one included; as long as its function's limits say, when
    /// absent.
    longest: Option<Duration>,
    /// When the event was given up that is replayed.
    given_up_at: Option<Timestamp>,
}

/// How long an event waits that found no room, unless the host says otherwise.
const NO_ROOM: Duration = Duration::from_millis(50);

impl Handover {
    /// For a trigger of this kind. The function's present revision answers each time, so a deploy touches no trigger.
    pub(crate) fn new(rooms: Rooms, id: TriggerId, kind: &'static str, retry: Retry, board: Arc<Board>) -> Self {
        let trigger = TriggerRef::new(kind, id.name.as_str());
        let target = FunctionRef { name: id.function.clone(), revision: None };
        let source = match id.project.as_str() {
            "default" => format!("/fn/{}", id.function),
            project => format!("/fn/{project}:{}", id.function),
        };
        let source = source.into();
        Self { rooms, id, trigger, target, source, retry, board, longest: None, given_up_at: None }
    }

    /// The same for calls that may take so long in all.
    pub(crate) fn within(mut self, longest: Duration) -> Self {
        self.longest = Some(longest);
        self
    }

    /// The same for an event that was given up then, and is replayed.
    pub(crate) fn replaying(mut self, given_up_at: Timestamp) -> Self {
        self.given_up_at = Some(given_up_at);
        self
    }

    /// Tries a batch, `attempt` counted from 1. The fate at `i` is that of the event at `i`, which `again` makes anew.
    ///
    /// A batch that is more than the function takes at once is tried event by event: each by itself may not be.
    pub(crate) async fn attempt(
        &self,
        events: Vec<Event>,
        origins: Arc<[Place]>,
        attempt: u32,
        again: impl Fn(usize) -> Event,
        stop: &CancellationToken,
    ) -> Vec<Fate> {
        let count = events.len();
        let fates = self.once(events, Arc::clone(&origins), attempt, stop).await;
        if count < 2 || !fates.iter().all(Fate::is_too_large) {
            return fates;
        }
        let mut alone = Vec::with_capacity(count);
        for index in 0..count {
            let origin = origins.get(index).cloned().into_iter().collect();
            alone.extend(self.once(vec![again(index)], origin, attempt, stop).await);
        }
        alone
    }

    /// Tries a batch with one call.
    ///
    /// All events of a batch have failed together when the function could not be called at all.
    pub(crate) async fn once(
        &self,
        events: Vec<Event>,
        origins: Arc<[Place]>,
        attempt: u32,
        stop: &CancellationToken,
    ) -> Vec<Fate> {
        let mut context = CallContext::new(self.trigger.clone());
        context.attempt = attempt;
        context.deadline = self.longest.map(|longest| Instant::now() + longest);
        context.given_up_at = self.given_up_at;
        context.cancelled = stop.child_token();
        context.origins = Some(origins);
        context.traceparent = events.iter().find_map(traceparent);
        let stamps: Vec<Stamp> = events.iter().map(|it| Stamp { id: it.id.clone(), trace: traceparent(it) }).collect();
        let target = Target::Function(self.id.project.clone(), self.target.clone());
        let called = self.rooms.dispatch.call(target, context, Call::Events(events)).await;
        let fates: Vec<Fate> = match called.reply {
            Ok(Reply::Events(outcomes)) if outcomes.len() == stamps.len() => {
                let time: Arc<str> = self.rooms.clock.now().to_string().into();
                let fate = |(stamp, outcome)| match outcome {
                    Ok(outputs) => Fate::Done(self.left(stamp, outputs, &time)),
                    Err(failure) => self.fate(failure, attempt),
                };
                stamps.into_iter().zip(outcomes).map(fate).collect()
            }
            Ok(_) => self.all(
                &stamps,
                &Failure::fatal(code::WRONG_COUNT, "the function gave another number of answers"),
                attempt,
            ),
            Err(failure) => self.all(&stamps, &failure, attempt),
        };
        let failed = fates.iter().filter(|it| matches!(it, Fate::Again(..) | Fate::Dead(_) | Fate::Halt(_))).count();
        self.board.failed(failed as u64);
        fates
    }

    /// Keeps an event that is given up; durable when this returns.
    pub(crate) async fn bury(
        &self,
        event: Event,
        place: Option<Place>,
        failure: Failure,
        attempts: u32,
    ) -> Result<(), SourceError> {
        let revision = self.rooms.directory.functions().get(&self.id.project, &self.id.function).map(|it| it.id);
        let letter = DeadLetter {
            id: letter_id(&self.id, &event, place.as_ref()),
            trigger: self.id.clone(),
            kind: self.trigger.kind.to_owned(),
            at: self.rooms.clock.now(),
            event,
            place,
            failure,
            revision,
            attempts,
            times: 1,
            replayed_at: None,
        };
        self.rooms.letters.keep(vec![letter]).await?;
        self.board.buried(1);
        Ok(())
    }

    fn all(&self, stamps: &[Stamp], failure: &Failure, attempt: u32) -> Vec<Fate> {
        stamps.iter().map(|_| self.fate(failure.clone(), attempt)).collect()
    }

    /// A function that is not there (yet, or any more) is waited for; nothing is given up for it.
    fn fate(&self, failure: Failure, attempt: u32) -> Fate {
        let wait = failure.retry_after_ms.map_or(NO_ROOM, |ms| Duration::from_millis(ms.into()));
        match failure.code.as_str() {
            code::OVERLOADED | code::CANCELLED => return Fate::NotYet(failure, wait),
            code::UNAVAILABLE | code::NOT_FOUND => return Fate::NotYet(failure, wait.max(Duration::from_secs(1))),
            _ => {}
        }
        match failure.kind {
            FailureKind::Invalid => Fate::Dead(failure),
            FailureKind::Fatal => Fate::Halt(failure),
            FailureKind::Transient if self.retry.again(attempt, FailureKind::Transient) => {
                let wait = failure.retry_after_ms.map(|ms| Duration::from_millis(ms.into()));
                let wait = wait.unwrap_or_else(|| self.retry.jittered_delay(attempt, seed(&self.id)));
                Fate::Again(failure, wait)
            }
            FailureKind::Transient => Fate::Dead(failure),
        }
    }

    /// No output says of itself what is an attribute, or another trace than its event.
    fn left(&self, stamp: Stamp, mut outputs: Vec<Output>, time: &Arc<str>) -> Left {
        let Stamp { id, trace } = stamp;
        for output in &mut outputs {
            output.extensions.retain(|(name, _)| !is_attribute(name) && (trace.is_none() || name != "traceparent"));
            output.extensions.extend(trace.clone().map(|it| ("traceparent".to_owned(), it)));
        }
        Left { id, source: Arc::clone(&self.source), time: Arc::clone(time), outputs }
    }
}

/// What outputs take over from their event.
struct Stamp {
    id: String,
    trace: Option<String>,
}

fn traceparent(event: &Event) -> Option<String> {
    event.extensions.iter().find(|(name, _)| name == "traceparent").map(|(_, value)| value.clone())
}

/// The same letter however often its event is read again. What was read at no place of its own is told from others by
/// what it says: senders use an identity twice.
fn letter_id(id: &TriggerId, event: &Event, place: Option<&Place>) -> String {
    let place = match place {
        Some(it) if it.offset > 0 => format!("{}/{}/{}", it.topic, it.partition, it.offset),
        Some(it) => format!("{}/{}/{}", it.topic, it.partition, host_core::Digest::of(&event.data)),
        None => host_core::Digest::of(&event.data).to_string(),
    };
    let text = format!("{}\n{}\n{}\n{place}\n{}\n{}", id.project, id.function, id.name, event.source, event.id);
    host_core::Digest::of(text.as_bytes()).to_string().trim_start_matches("sha256:").chars().take(32).collect()
}

fn seed(id: &TriggerId) -> u64 {
    id.name.bytes().chain(id.function.as_str().bytes()).fold(0, |seed, byte| seed.rotate_left(5) ^ u64::from(byte))
}

#[cfg(test)]
mod tests;
