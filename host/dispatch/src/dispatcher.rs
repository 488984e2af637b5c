//! The dispatcher: every call of a function or a model passes here.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use host_core::{
    Name,
    call::{Call, CallContext, Called, End, Finished, InferCall, Prediction, Reply, Target},
    clock::Clock,
    event::{Failure, code},
    function::{Entry, FunctionRef, Revision},
    model::{ModelRef, ScoreError},
    ports::{Deployments, Directory, Dispatch, Invoke, Recorder, Score},
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{
    Config, Endpoints,
    admit::{Gate, Queue, Refused, refusal},
    bridge,
    record::{Keeper, Samples, Summary, Ticket},
    resolve::{Resolver, Slot},
};

/// What the dispatcher needs from other rooms.
pub struct Parts {
    /// What is deployed.
    pub directory: Arc<dyn Directory>,
    /// Revisions that are not active.
    pub deployments: Arc<dyn Deployments>,
    /// The engine.
    pub invoke: Arc<dyn Invoke>,
    /// The models.
    pub score: Arc<dyn Score>,
    /// The names models are served under.
    pub endpoints: Arc<Endpoints>,
    /// Who keeps records.
    pub recorder: Arc<dyn Recorder>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

/// Resolves, admits, calls, records.
pub struct Dispatcher {
    config: Config,
    resolver: Resolver,
    invoke: Arc<dyn Invoke>,
    score: Arc<dyn Score>,
    endpoints: Arc<Endpoints>,
    keeper: Arc<Keeper>,
    host: Gate,
    draining: AtomicBool,
}

impl Dispatcher {
    /// A dispatcher without a call in flight.
    #[must_use]
    pub fn new(config: Config, parts: Parts) -> Self {
        let Parts { directory, deployments, invoke, score, endpoints, recorder, clock } = parts;
        let resolver = Resolver::new(directory, deployments, Arc::clone(&invoke), config.pinned_revisions);
        let slow_us = config.slow.0.saturating_mul(1_000);
        let keeper = Arc::new(Keeper { recorder, clock, slow_us, samples: Samples::default() });
        let host = Gate::new(config.max_in_flight.max(1));
        Self { config, resolver, invoke, score, endpoints, keeper, host, draining: AtomicBool::new(false) }
    }

    /// Lets nobody in any more, and waits until all have left or `longest` is over. Returns how many are still inside.
    pub async fn drain(&self, longest: Duration) -> usize {
        self.draining.store(true, Ordering::SeqCst);
        match tokio::time::timeout(longest, self.host.empty()).await {
            Ok(()) => 0,
            Err(_) => self.host.inside(),
        }
    }

    /// Whether [`Dispatcher::drain`] was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// How many calls are in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.host.inside()
    }

    /// Not an async function: that would move the call and its context once more, and make room for them twice.
    fn call_function(
        &self,
        project: Name,
        function: FunctionRef,
        mut context: CallContext,
        call: Call,
    ) -> impl Future<Output = Called> + Send {
        let arrived = Instant::now();
        async move {
            if self.is_draining() {
                return Called::failed(self.shutting_down());
            }
            let slot = match self.resolver.resolve(project, function).await {
                Ok(slot) => slot,
                Err(failure) => return Called::failed(failure),
            };
            let entry = match entry_for(&call, &slot.revision) {
                Ok(entry) => entry,
                Err(failure) => return Called::failed(failure),
            };
            bound(&mut context, &slot.revision, &call, arrived);
            let mut ticket = self.keeper.open(&slot.revision, &context, &call, entry, arrived);
            match self.admit(&slot, &context).await {
                Ok(places) => ticket.keep(places),
                Err(failure) => {
                    ticket.turn_away();
                    return Called::failed(failure);
                }
            }
            let mut called = match (call, entry) {
                // Boxed, because it is rare and would make room for itself in every call.
                (Call::Events(events), Entry::Http) => {
                    Box::pin(bridge::post(&*self.invoke, &slot.revision, &context, events)).await
                }
                (call, _) => self.invoke.call(slot.revision, context, call).await,
            };
            self.close(ticket, &mut called);
            called
        }
    }

    /// Closes the ticket with the reply. A guest that had no place either is one more caller turned away.
    fn close(&self, mut ticket: Ticket, called: &mut Called) {
        match &mut called.reply {
            Err(failure) if failure.code == code::OVERLOADED => {
                failure.retry_after_ms.get_or_insert(self.retry_after_ms());
                ticket.turn_away();
            }
            _ => close(ticket, called),
        }
    }

    /// First the function's gate, then the host's, so that calls waiting for a busy function take nobody's place.
    async fn admit(&self, slot: &Slot, context: &CallContext) -> Result<[OwnedSemaphorePermit; 2], Failure> {
        let queue = self.queue(context.deadline);
        let of_function = slot.gate.enter(queue, &context.cancelled).await;
        let of_function = of_function.map_err(|why| {
            let Revision { function, manifest, .. } = &*slot.revision;
            let most = manifest.limits.concurrency;
            refusal(
                why,
                &format!("function `{function}` is busy with as many calls as it may take ({most})"),
                &self.config,
            )
        })?;
        let of_host = self.enter_host(context).await?;
        Ok([of_function, of_host])
    }

    async fn enter_host(&self, context: &CallContext) -> Result<OwnedSemaphorePermit, Failure> {
        let place = self.host.enter(self.queue(context.deadline), &context.cancelled).await;
        place.map_err(|why| refusal(why, "this host is busy with as many calls as it may take", &self.config))
    }

    fn shutting_down(&self) -> Failure {
        let failure = Failure::transient(code::UNAVAILABLE, "this host is shutting down");
        Failure { retry_after_ms: Some(self.retry_after_ms()), ..failure }
    }

    fn retry_after_ms(&self) -> u32 {
        u32::try_from(self.config.retry_after.0).unwrap_or(u32::MAX)
    }

    fn queue(&self, deadline: Option<Instant>) -> Queue {
        let longest = self.config.max_wait.duration().min(Duration::from_secs(3_600));
        Queue { most: self.config.max_waiting, longest, deadline }
    }

    async fn call_model(&self, project: &Name, model: ModelRef, context: &CallContext, call: InferCall) -> Called {
        let started = Instant::now();
        if self.is_draining() {
            return Called::failed(self.shutting_down());
        }
        let _place = match self.enter_host(context).await {
            Ok(place) => place,
            Err(failure) => return Called::failed(failure),
        };
        let deadline = context.deadline.unwrap_or_else(|| started + self.config.model_timeout.duration());
        match self.infer(project, model, call, deadline).await {
            Ok(prediction) => predicted(prediction, started),
            Err(failure) => Called::failed(failure),
        }
    }

    async fn infer(
        &self,
        project: &Name,
        asked: ModelRef,
        call: InferCall,
        deadline: Instant,
    ) -> Result<Prediction, Failure> {
        let unavailable =
            |error: host_core::ports::ModelError| Failure::transient(code::UNAVAILABLE, error.to_string());
        let model = self.endpoints.resolve(project, asked.clone()).await.map_err(unavailable)?;
        let answer = self.score.infer(project, &model, call.clone(), Some(deadline)).await;
        let answer = match answer {
            // An endpoint made a moment ago, perhaps on another host, is not known here yet.
            Err(ScoreError::NotFound(_)) if self.endpoints.refresh().await.map_err(unavailable)? => {
                let model = self.endpoints.resolve(project, asked).await.map_err(unavailable)?;
                self.score.infer(project, &model, call, Some(deadline)).await
            }
            other => other,
        };
        answer.map_err(|error| self.score_failure(&error))
    }

    fn score_failure(&self, error: &ScoreError) -> Failure {
        let message = error.to_string();
        match error {
            ScoreError::NotFound(_) => Failure::invalid(code::NOT_FOUND, message),
            ScoreError::Invalid(_) => Failure::invalid(code::INVALID_INPUT, message),
            ScoreError::Busy => refusal(Refused::Full, &message, &self.config),
            ScoreError::Deadline => Failure::transient(code::DEADLINE, message),
            ScoreError::Failed(_) => Failure::fatal(code::MODEL_FAILED, message),
        }
    }
}

#[async_trait]
impl Dispatch for Dispatcher {
    // Written out, because the macro would make one future for all of them, with room for the largest.
    fn call<'dispatcher, 'call>(
        &'dispatcher self,
        target: Target,
        context: CallContext,
        call: Call,
    ) -> Pin<Box<dyn Future<Output = Called> + Send + 'call>>
    where
        'dispatcher: 'call,
        Self: 'call,
    {
        match (target, call) {
            (Target::Function(project, function), call) => {
                Box::pin(self.call_function(project, function, context, call))
            }
            (Target::Model(project, model), Call::Infer(call)) => {
                Box::pin(async move { self.call_model(&project, model, &context, call).await })
            }
            (Target::Model(_, model), _) => {
                let message = format!("`{model}` is a model: it takes tensors");
                Box::pin(async move { Called::failed(Failure::invalid(code::WRONG_ENTRY, message)) })
            }
        }
    }
}

/// The way in that fits the call.
fn entry_for(call: &Call, revision: &Revision) -> Result<Entry, Failure> {
    let entries = revision.entries;
    let fits = match call {
        Call::Http(_) => entries.http.then_some(Entry::Http),
        Call::Events(_) if entries.handler => Some(Entry::Handler),
        Call::Events(_) => entries.http.then_some(Entry::Http),
        Call::Job(_) => entries.job.then_some(Entry::Job),
        Call::Infer(_) => None,
    };
    fits.ok_or_else(|| {
        let wanted = match call {
            Call::Http(_) => "a request",
            Call::Events(_) => "events",
            Call::Job(_) => "a run",
            Call::Infer(_) => "tensors",
        };
        let has: Vec<&str> = entries.iter().map(Entry::as_str).collect();
        let message = format!("function `{}` cannot take {wanted}: its entry is {}", revision.function, has.join(", "));
        Failure::invalid(code::WRONG_ENTRY, message)
    })
}

/// Every call has a deadline: the caller's or the manifest's, whichever is earlier. Each event of a batch that broke runs
/// again by itself, for as long as any call may.
fn bound(context: &mut CallContext, revision: &Revision, call: &Call, arrived: Instant) {
    let limits = &revision.manifest.limits;
    let timeout = if matches!(call, Call::Job(_)) { limits.job_timeout() } else { limits.call_timeout() };
    let runs = match call {
        Call::Events(events) if events.len() > 1 => u32::try_from(events.len()).unwrap_or(u32::MAX).saturating_add(1),
        _ => 1,
    };
    let latest = timeout.duration().checked_mul(runs).and_then(|all| arrived.checked_add(all));
    context.deadline = match (context.deadline, latest) {
        (Some(asked), Some(latest)) => Some(asked.min(latest)),
        (asked, latest) => asked.or(latest),
    };
}

/// Closes the ticket with the reply, or with the last byte of a reply that still streams.
fn close(mut ticket: Ticket, called: &mut Called) {
    let summary = Summary::of(&called.reply);
    let (told, ended) = match &mut called.end {
        End::Now(finished) => return ticket.close(summary, finished),
        End::Later(_) => oneshot::channel(),
    };
    let streaming = std::mem::replace(&mut called.end, End::Later(Box::new(Ended(ended))));
    tokio::spawn(async move {
        let mut finished = match streaming {
            End::Now(finished) => finished,
            End::Later(later) => later.await,
        };
        ticket.close(summary, &mut finished);
        // Most callers do not wait for the end.
        let _ = told.send(finished);
    });
}

fn predicted(prediction: Prediction, started: Instant) -> Called {
    let mut finished = Finished { models: vec![prediction.version.clone()], ..Finished::default() };
    finished.usage.duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    Called { reply: Ok(Reply::Infer(prediction)), end: End::Now(finished) }
}

/// The end of a call that was recorded in the background.
#[derive(Debug)]
struct Ended(oneshot::Receiver<Finished>);

impl Future for Ended {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished> {
        Pin::new(&mut self.0).poll(cx).map(|ended| {
            ended.unwrap_or_else(|_| {
                let failure = Failure::transient(code::UNAVAILABLE, "the host stopped before the call was over");
                Finished { failure: Some(failure), ..Finished::default() }
            })
        })
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").field("in_flight", &self.in_flight()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
