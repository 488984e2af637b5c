//! `weft:function/handler`: a batch of events, answered one by one and in order.

use std::{pin::pin, slice, sync::Arc};

use host_core::{
    call::{Called, End, Reply},
    event::{Event, Failure, Outcome, code},
    function::Entry,
};

use super::{no_entry, too_large};
use crate::{
    bindings::wit::types,
    current::{Current, Spent},
    function::{Calls, Function},
    instance::Instance,
    meter::Metered,
    supervise::Watch,
    trap,
};

/// Calls the handler with a batch.
pub(crate) async fn call(function: &Function, current: &Arc<Current>, events: Vec<Event>) -> Called {
    let size: u64 = events.iter().map(|event| event.data.len() as u64).sum();
    let most = current.revision.manifest.limits.max_body;
    let refused = match (&function.calls, function.admit()) {
        _ if size > most.0 => too_large(most),
        (Some(calls), Ok(_inside)) if current.revision.entries.handler => {
            let batch = Batch { calls, current, spent: Spent { bytes_in: size, ..Spent::default() } };
            let events: Vec<types::Event> = events.into_iter().map(Into::into).collect();
            return batch.run(&events).await;
        }
        (_, Err(overloaded)) => overloaded,
        _ => no_entry(Entry::Handler),
    };
    Called::failed(refused)
}

/// A batch on its way through a function.
struct Batch<'a> {
    calls: &'a Calls,
    current: &'a Arc<Current>,
    spent: Spent,
}

/// How a run of the guest ended that gave no answer.
struct Broke {
    failure: Failure,
    /// Whether a single event may be at fault, so that the others deserve a run of their own.
    may_be_one: bool,
}

impl Batch<'_> {
    async fn run(mut self, events: &[types::Event]) -> Called {
        let ran = self.once(events).await;
        if events.len() <= 1 {
            return self.single(events.len(), ran);
        }
        match ran {
            Ok(outcomes) => self.answer(outcomes, None),
            Err(broke) if broke.may_be_one => {
                // Boxed, because it is rare and would make room for itself in every call.
                let outcomes = Box::pin(self.one_by_one(events)).await;
                self.answer(outcomes, Some(broke.failure))
            }
            Err(broke) => self.refuse(broke.failure),
        }
    }

    /// The answer to one event, or to none.
    fn single(self, count: usize, ran: Result<Vec<Outcome>, Broke>) -> Called {
        match ran {
            Ok(outcomes) => self.answer(outcomes, None),
            Err(broke) if broke.may_be_one && count == 1 => {
                self.answer(vec![Err(broke.failure.clone())], Some(broke.failure))
            }
            Err(broke) => self.refuse(broke.failure),
        }
    }

    /// Each event alone, in order, in an instance nothing ran in before: only the one at fault fails.
    ///
    /// The batch was let in, so that a lack of room makes its events wait, for as long as the call may take. One that
    /// has waited for nothing is told that the host is overloaded, which is no attempt.
    async fn one_by_one(&mut self, events: &[types::Event]) -> Vec<Outcome> {
        let patience = self.current.patience();
        let mut outcomes = Vec::with_capacity(events.len());
        for event in events {
            let ran = match self.calls.lend_fresh(self.current, &patience).await {
                Ok(instance) => self.run_in(instance, &self.current.watch(), slice::from_ref(event)).await,
                Err(failure) => Err(broke(failure)),
            };
            let outcome = match ran {
                Ok(mut answered) => answered.pop().unwrap_or_else(|| Ok(Vec::new())),
                Err(broke) => Err(broke.failure),
            };
            outcomes.push(outcome);
        }
        outcomes
    }

    /// One run of the guest over `events`, in whatever instance there is.
    async fn once(&mut self, events: &[types::Event]) -> Result<Vec<Outcome>, Broke> {
        let watch = if events.len() > 1 { self.current.watch() } else { self.current.patience() };
        let instance = self.calls.lend(self.current, &watch).map_err(broke)?;
        self.run_in(instance, &watch, events).await
    }

    async fn run_in(
        &mut self,
        mut instance: Instance,
        watch: &Watch,
        events: &[types::Event],
    ) -> Result<Vec<Outcome>, Broke> {
        let (ended, cpu, at) = {
            let guest = pin!(async {
                let (store, handler) = instance.handler(&self.calls.mould).await?;
                handler.weft_function_handler().call_handle(store, events).await
            });
            let mut guest = Metered::new(guest);
            (watch.over(self.current, &mut guest).await, guest.cpu(), guest.polled_at())
        };
        self.spent.add(Spent { until: Some(at), ..instance.spent(cpu) });
        match ended {
            Ok(Ok(answers)) => {
                self.calls.give_back(instance, at);
                Ok(counted(answers, events.len()))
            }
            Ok(Err(error)) => Err(broke(instance.failure(&error, self.current))),
            Err(stopped) => Err(broke(trap::stopped(stopped, self.current))),
        }
    }

    fn answer(mut self, outcomes: Vec<Outcome>, failure: Option<Failure>) -> Called {
        let sizes = outcomes.iter().flatten().flatten().map(|output| output.data.len() as u64);
        self.spent.bytes_out = sizes.sum();
        let wrong_count = outcomes.iter().find_map(|it| it.as_ref().err().filter(|it| it.code == code::WRONG_COUNT));
        let failure = failure.or_else(|| wrong_count.cloned());
        let end = End::Now(self.current.finish(self.spent, failure));
        Called { reply: Ok(Reply::Events(outcomes)), end }
    }

    fn refuse(self, failure: Failure) -> Called {
        let end = End::Now(self.current.finish(self.spent, Some(failure.clone())));
        Called { reply: Err(failure), end }
    }
}

/// The answers as outcomes; no event can be told its answer when there are more or fewer of them.
fn counted(answers: Vec<Result<Vec<types::Output>, types::Failure>>, count: usize) -> Vec<Outcome> {
    if answers.len() == count {
        let outcome = |answer: Result<Vec<types::Output>, types::Failure>| {
            answer.map(|outputs| outputs.into_iter().map(Into::into).collect()).map_err(Into::into)
        };
        return answers.into_iter().map(outcome).collect();
    }
    let message = format!("it gave {} answers to {count} events", answers.len());
    vec![Err(Failure::fatal(code::WRONG_COUNT, message)); count]
}

/// A trap or a timeout may be the work of one event; a lack of room or a cancelled call is nobody's.
fn broke(failure: Failure) -> Broke {
    let may_be_one = !matches!(failure.code.as_str(), code::OVERLOADED | code::CANCELLED);
    Broke { failure, may_be_one }
}
