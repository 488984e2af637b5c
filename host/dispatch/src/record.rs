//! What is kept of a call: always its totals, and a record where the policy wants one.

use std::{collections::HashMap, sync::Arc, time::Instant};

use host_core::{
    CallId, RevisionId, RunId,
    call::{Call, CallContext, Finished, Reply, TriggerRef, Usage},
    clock::Clock,
    event::{Failure, FailureKind, code},
    function::{Entry, Revision},
    manifest::RecordPolicy,
    ports::Recorder,
    record::{CallRecord, Tally, Verdict},
};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;

/// The share of uneventful calls that `record = "failures"` keeps.
const SAMPLE: f64 = 0.01;

/// How many of them it keeps of one revision in one second: beyond it more of the same tell nothing new, and writing
/// them would cost a busy host a part of every call.
const MOST_SAMPLES: u32 = 100;

/// A call in flight: what its record needs, and the places it takes. It is recorded when it is closed, and also when it
/// is dropped because its caller went away.
pub(crate) struct Ticket {
    is_open: bool,
    keeper: Arc<Keeper>,
    revision: Arc<Revision>,
    id: CallId,
    trigger: TriggerRef,
    principal: String,
    run: Option<RunId>,
    attempt: u32,
    entry: Entry,
    events: u32,
    arrived: Instant,
    started_at: Timestamp,
    places: Option<[OwnedSemaphorePermit; 2]>,
}

/// How a call ended, as far as its reply tells.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    status: Option<u16>,
    failure: Option<Failure>,
}

/// The hands that keep records.
pub(crate) struct Keeper {
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) slow_us: u64,
    pub(crate) samples: Samples,
}

/// How many samples were kept in the present second, by revision.
#[derive(Debug, Default)]
pub(crate) struct Samples(Mutex<(i64, HashMap<RevisionId, u32>)>);

impl Samples {
    /// Whether one more may be kept in this second.
    fn take(&self, revision: RevisionId, second: i64) -> bool {
        let (present, counts) = &mut *self.0.lock();
        if *present != second {
            *present = second;
            counts.clear();
        }
        let count = counts.entry(revision).or_default();
        *count = count.saturating_add(1);
        *count <= MOST_SAMPLES
    }
}

impl Keeper {
    /// A ticket for a call that arrived at `arrived`.
    pub(crate) fn open(
        self: &Arc<Self>,
        revision: &Arc<Revision>,
        context: &CallContext,
        call: &Call,
        entry: Entry,
        arrived: Instant,
    ) -> Ticket {
        Ticket {
            is_open: true,
            keeper: Arc::clone(self),
            revision: Arc::clone(revision),
            id: context.id,
            trigger: context.trigger.clone(),
            principal: context.principal.clone(),
            run: context.step.as_ref().map(|step| step.run),
            attempt: context.attempt,
            entry,
            events: events_of(call),
            arrived,
            started_at: self.clock.now(),
            places: None,
        }
    }
}

impl Ticket {
    /// Keeps the call's places for as long as it lasts.
    pub(crate) fn keep(&mut self, places: [OwnedSemaphorePermit; 2]) {
        self.places = Some(places);
    }

    /// Records the end of the call, and gives its places back.
    pub(crate) fn close(&mut self, summary: Summary, finished: &mut Finished) {
        if !std::mem::take(&mut self.is_open) {
            return;
        }
        // Left only when the record is on its way, so that a host that waits for everyone to leave loses none.
        let _places = self.places.take();
        let elapsed = finished.at.unwrap_or_else(Instant::now).saturating_duration_since(self.arrived);
        finished.usage.duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let failure = finished.failure.clone().or(summary.failure);
        let verdict = verdict_of(failure.as_ref(), summary.status);
        self.keeper.recorder.tally(self.tally(verdict, finished.usage));
        if self.wants_record(verdict, finished.usage.duration_us) {
            self.keeper.recorder.call(self.record(verdict, summary.status, failure, finished));
        }
    }

    /// Counts a call that was turned away. It leaves no record: a storm of these must not push the others out.
    pub(crate) fn turn_away(&mut self) {
        if std::mem::take(&mut self.is_open) {
            self.keeper.recorder.tally(self.tally(Verdict::Transient, Usage::default()));
        }
    }

    fn tally(&self, verdict: Verdict, usage: Usage) -> Tally {
        Tally { revision: self.revision.id, verdict, events: self.events, started_at: self.started_at, usage }
    }

    fn wants_record(&self, verdict: Verdict, duration_us: u64) -> bool {
        let eventful = verdict != Verdict::Ok || duration_us >= self.keeper.slow_us;
        match self.revision.manifest.record {
            RecordPolicy::All => true,
            RecordPolicy::Failures => {
                let second = self.started_at.as_second();
                eventful || (is_sampled(self.id, SAMPLE) && self.keeper.samples.take(self.revision.id, second))
            }
            RecordPolicy::Percent(percent) => eventful || is_sampled(self.id, percent / 100.0),
        }
    }

    fn record(
        &self,
        verdict: Verdict,
        status: Option<u16>,
        failure: Option<Failure>,
        finished: &Finished,
    ) -> CallRecord {
        CallRecord {
            id: self.id,
            project: self.revision.project.clone(),
            function: self.revision.function.clone(),
            revision: self.revision.id,
            entry: self.entry,
            trigger: self.trigger.kind.to_owned(),
            trigger_name: self.trigger.name.as_ref().to_owned(),
            attempt: self.attempt,
            events: self.events,
            verdict,
            status,
            failure,
            started_at: self.started_at,
            usage: finished.usage,
            models: finished.models.clone(),
            principal: self.principal.clone(),
            run: self.run,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.is_open {
            let failure = Failure::transient(code::CANCELLED, "the caller went away");
            self.close(Summary { status: None, failure: Some(failure) }, &mut Finished::default());
        }
    }
}

/// Whether the call is one of the share that is kept: the random bits of its identity decide.
fn is_sampled(id: CallId, share: f64) -> bool {
    let bits = id.as_uuid().as_u128() & u128::from(u32::MAX);
    let random = u32::try_from(bits).map_or(1.0, |bits| f64::from(bits) / f64::from(u32::MAX));
    random < share
}

fn events_of(call: &Call) -> u32 {
    match call {
        Call::Events(events) => u32::try_from(events.len()).unwrap_or(u32::MAX),
        Call::Http(_) | Call::Job(_) | Call::Infer(_) => 1,
    }
}

fn verdict_of(failure: Option<&Failure>, status: Option<u16>) -> Verdict {
    match (failure.map(|it| it.kind), status) {
        (Some(FailureKind::Invalid), _) => Verdict::Invalid,
        (Some(FailureKind::Transient), _) | (None, Some(502..=504)) => Verdict::Transient,
        (Some(FailureKind::Fatal), _) | (None, Some(500..)) => Verdict::Fatal,
        (None, _) => Verdict::Ok,
    }
}

impl Summary {
    /// What a reply tells; of a batch, the gravest of its failures.
    pub(crate) fn of(reply: &Result<Reply, Failure>) -> Self {
        match reply {
            Err(failure) => Self { status: None, failure: Some(failure.clone()) },
            Ok(Reply::Http(response)) => Self { status: Some(response.status().as_u16()), failure: None },
            Ok(Reply::Events(outcomes)) => {
                let failures = outcomes.iter().filter_map(|it| it.as_ref().err());
                Self { status: None, failure: failures.max_by_key(|it| gravity(it.kind)).cloned() }
            }
            Ok(Reply::Job(_) | Reply::Infer(_)) => Self::default(),
        }
    }
}

fn gravity(kind: FailureKind) -> u8 {
    match kind {
        FailureKind::Invalid => 0,
        FailureKind::Transient => 1,
        FailureKind::Fatal => 2,
    }
}

#[cfg(test)]
mod tests {
    use host_core::body;

    use super::*;

    #[test]
    fn a_batch_is_as_bad_as_its_worst_event() {
        let failures = [Failure::invalid("a", "a"), Failure::fatal("b", "b"), Failure::transient("c", "c")];
        let reply = Ok(Reply::Events(failures.into_iter().map(Err).chain([Ok(Vec::new())]).collect()));
        let summary = Summary::of(&reply);
        assert_eq!(verdict_of(summary.failure.as_ref(), None), Verdict::Fatal);
    }

    #[test]
    fn an_answer_of_5xx_is_no_success() {
        let verdict = |status: u16| {
            let reply = http::Response::builder().status(status).body(body::empty()).unwrap();
            let summary = Summary::of(&Ok(Reply::Http(reply)));
            verdict_of(summary.failure.as_ref(), summary.status)
        };
        assert_eq!(verdict(404), Verdict::Ok);
        assert_eq!(verdict(500), Verdict::Fatal);
        assert_eq!(verdict(503), Verdict::Transient);
    }

    #[test]
    fn about_the_wanted_share_of_calls_is_sampled() {
        let sampled = (0..20_000).filter(|_| is_sampled(CallId::next(), 0.1)).count();
        assert!((1_500..2_500).contains(&sampled), "{sampled}");
        assert!((0..100).all(|_| is_sampled(CallId::next(), 1.1)));
        assert!((0..100).all(|_| !is_sampled(CallId::next(), 0.0)));
    }

    #[test]
    fn a_revision_has_so_many_samples_in_a_second() {
        let (samples, busy, quiet) = (Samples::default(), RevisionId::next(), RevisionId::next());
        let kept = |second| (0..3 * MOST_SAMPLES).filter(|_| samples.take(busy, second)).count();
        assert_eq!((kept(7), samples.take(quiet, 7), kept(8)), (100, true, 100));
    }
}
