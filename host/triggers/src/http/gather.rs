//! Requests of a route that come at about the same time: one call handles them, and each has its own answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use host_core::{
    CallId,
    call::{Call, CallContext, Reply, Target, TriggerRef},
    event::{Event, Failure, Outcome, code},
    manifest::Batch,
    ports::Dispatch,
};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What came of a request that was handled with others.
#[derive(Debug)]
pub(super) struct Answered {
    /// The call that handled it.
    pub(super) call: CallId,
    /// What the function made of it, or why it was not called.
    pub(super) outcome: Result<Outcome, Failure>,
}

/// Gathers the requests of one route.
#[derive(Debug)]
pub(super) struct Gather {
    target: Target,
    trigger: Arc<str>,
    batch: Batch,
    /// The most bytes of a call.
    bytes: u64,
    /// How long a call may take in all.
    longest: Duration,
    open: Mutex<Option<Group>>,
    opened: AtomicU64,
}

/// Requests that wait for others.
#[derive(Debug)]
struct Group {
    number: u64,
    members: Vec<Member>,
    bytes: u64,
    cancelled: CancellationToken,
    /// Shared with those who wait: when the last of them is gone, the call is cancelled.
    guard: Arc<DropGuard>,
}

#[derive(Debug)]
struct Member {
    event: Event,
    principal: String,
    traceparent: Option<String>,
    answer: oneshot::Sender<Answered>,
}

impl Gather {
    /// For calls of `target` that take at most `max_body` bytes, and `timeout` once.
    ///
    /// A call that broke runs its events one by one. People wait for the answers, so that all of it has one more timeout
    /// for that, not one for each.
    pub(super) fn new(target: Target, trigger: Arc<str>, batch: Batch, (max_body, timeout): (u64, Duration)) -> Self {
        let (bytes, longest) = (batch.bytes.0.min(max_body), timeout.saturating_mul(2));
        Self { target, trigger, batch, bytes, longest, open: Mutex::default(), opened: AtomicU64::default() }
    }

    /// Handles an event with those that come at about the same time.
    pub(super) async fn handle(
        self: &Arc<Self>,
        dispatch: &Arc<dyn Dispatch>,
        event: Event,
        context: &CallContext,
    ) -> Answered {
        let (answer, answered) = oneshot::channel();
        let (principal, traceparent) = (context.principal.clone(), context.traceparent.clone());
        let _guard = self.join(dispatch, Member { event, principal, traceparent, answer });
        // The call tells everybody, unless the host stops first.
        answered.await.unwrap_or_else(|_| {
            let failure = Failure::transient(code::UNAVAILABLE, "the call was interrupted");
            Answered { call: context.id, outcome: Err(failure) }
        })
    }

    fn join(self: &Arc<Self>, dispatch: &Arc<dyn Dispatch>, member: Member) -> Arc<DropGuard> {
        let size = member.event.data.len() as u64;
        let mut open = self.open.lock();
        // One that would be too large with this event goes as it is.
        if let Some(group) = open.take_if(|it| it.bytes.saturating_add(size) > self.bytes) {
            tokio::spawn(self.clone().run(dispatch.clone(), group));
        }
        let group = open.get_or_insert_with(|| Group::new(self.opened.fetch_add(1, Relaxed)));
        group.bytes = group.bytes.saturating_add(size);
        group.members.push(member);
        let (number, guard) = (group.number, group.guard.clone());
        let (is_first, is_full) = (group.members.len() == 1, group.members.len() >= self.batch.events as usize);
        if is_full && let Some(group) = open.take() {
            tokio::spawn(self.clone().run(dispatch.clone(), group));
        } else if is_first {
            tokio::spawn(self.clone().close(dispatch.clone(), number));
        }
        guard
    }

    /// Handles a group once its wait is over, unless it was full before.
    async fn close(self: Arc<Self>, dispatch: Arc<dyn Dispatch>, number: u64) {
        tokio::time::sleep(self.batch.wait.duration()).await;
        let group = self.open.lock().take_if(|it| it.number == number);
        if let Some(group) = group {
            self.run(dispatch, group).await;
        }
    }

    /// In a task of its own: whoever came last may go away, the others still want their answers.
    async fn run(self: Arc<Self>, dispatch: Arc<dyn Dispatch>, group: Group) {
        let Group { mut members, cancelled, guard, .. } = group;
        members.retain(|it| !it.answer.is_closed());
        drop(guard);
        if members.is_empty() {
            return;
        }
        let context = self.context(&members, cancelled);
        let call = context.id;
        let (events, answers): (Vec<_>, Vec<_>) =
            members.into_iter().map(|it| (traced(it.event, it.traceparent), it.answer)).unzip();
        let called = dispatch.call(self.target.clone(), context, Call::Events(events)).await;
        let failure = match called.reply {
            Ok(Reply::Events(outcomes)) if outcomes.len() == answers.len() => {
                let told = answers.into_iter().zip(outcomes);
                return told.for_each(|(it, outcome)| drop(it.send(Answered { call, outcome: Ok(outcome) })));
            }
            Ok(_) => Failure::fatal(code::WRONG_COUNT, "the function gave another number of answers"),
            Err(failure) => failure,
        };
        answers.into_iter().for_each(|it| drop(it.send(Answered { call, outcome: Err(failure.clone()) })));
    }

    /// What surrounds the call of a group: what its members have in common.
    fn context(&self, members: &[Member], cancelled: CancellationToken) -> CallContext {
        let mut context = CallContext::new(TriggerRef::new("http", self.trigger.clone()));
        context.cancelled = cancelled;
        context.deadline = Instant::now().checked_add(self.longest);
        context.traceparent = members.iter().find_map(|it| it.traceparent.clone());
        let first = members.first().map(|it| it.principal.as_str()).unwrap_or_default();
        if members.iter().all(|it| it.principal == first) {
            first.clone_into(&mut context.principal);
        }
        context
    }
}

impl Group {
    fn new(number: u64) -> Self {
        let cancelled = CancellationToken::new();
        let guard = Arc::new(cancelled.clone().drop_guard());
        Self { number, members: Vec::new(), bytes: 0, cancelled, guard }
    }
}

/// The event with the trace of its request, which the call as a whole may not have.
fn traced(mut event: Event, traceparent: Option<String>) -> Event {
    if event.extensions.iter().all(|(name, _)| name != "traceparent") {
        event.extensions.extend(traceparent.map(|it| ("traceparent".to_owned(), it)));
    }
    event
}
