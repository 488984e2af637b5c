//! Executes one claimed step, whatever its action, and says how it ended.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use host_core::{
    call::StepRef,
    depth,
    event::{Failure, FailureKind, code},
    pipeline::Action,
    ports::{Claim, JournalError, Settling, Tracked},
    run::{Settlement, StepKey, StepRecord, StepResult},
    size::Millis,
};
use tokio_util::sync::CancellationToken;

use crate::{actions, config::Config, seed::step_seed, services::Services, view::View, workbench::Workbench};

/// What an attempt came to: a result, or a failure and what was known by then.
pub(crate) type Attempt = Result<StepResult, Box<Broken>>;

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) failure: Failure,
    pub(crate) result: StepResult,
}

impl Broken {
    pub(crate) fn new(failure: Failure, result: StepResult) -> Box<Self> {
        Box::new(Self { failure, result })
    }
}

impl From<Failure> for Box<Broken> {
    fn from(failure: Failure) -> Self {
        Broken::new(failure, StepResult::default())
    }
}

/// What executing works with.
#[derive(Clone, Copy)]
pub(crate) struct With<'a> {
    pub(crate) services: &'a Services,
    pub(crate) config: &'a Config,
    pub(crate) bench: &'a Workbench,
}

/// Executes the step of a claim until it ends or is cancelled. A panic ends the step, not its settlement.
pub(crate) async fn execute(claim: &Claim, with: With<'_>, cancelled: &CancellationToken) -> Settling {
    let executing = AssertUnwindSafe(execute_or_panic(claim, with, cancelled));
    let (how, unwritten) = executing.catch_unwind().await.unwrap_or_else(|_| {
        let failure = Failure::fatal("host-panic", "the host panicked while it executed the step; its log says where");
        (Settlement::Failed { failure, retry_after_ms: None, result: Box::default() }, Tracked::default())
    });
    Settling { key: claim.key.clone(), attempt: claim.attempt, how, unwritten }
}

async fn execute_or_panic(claim: &Claim, with: With<'_>, cancelled: &CancellationToken) -> (Settlement, Tracked) {
    let broken = |failure, retry_after_ms| {
        (Settlement::Failed { failure, retry_after_ms, result: Box::default() }, Tracked::default())
    };
    let original = match original(claim, with.services).await {
        Ok(original) => original,
        Err(failure) => {
            let retry_after_ms = (failure.kind == FailureKind::Transient).then_some(1_000);
            return broken(failure, retry_after_ms);
        }
    };
    let Some(view) = View::new(claim, original) else {
        let message = format!("the pipeline of run {} has no step `{}`", claim.key.run, claim.key.step);
        return broken(Failure::fatal("damaged-run", message), None);
    };
    let how = match attempt(&view, with, cancelled).await {
        _ if cancelled.is_cancelled() => Settlement::Cancelled,
        Ok(result) => Settlement::Done(Box::new(result)),
        Err(broken) => failed(&view, *broken, with),
    };
    (how, view.left())
}

/// The record of the same step in the run that this one reproduces.
async fn original(claim: &Claim, services: &Services) -> Result<Option<StepRecord>, Failure> {
    let Some(run) = claim.run.reproduces else { return Ok(None) };
    let key = StepKey { run, ..claim.key.clone() };
    services.journal.step(&key).await.map_err(|error| match error {
        JournalError::Storage(_) => Failure::transient("store", error.to_string()),
        _ => Failure::fatal("damaged-run", error.to_string()),
    })
}

/// What a step that is no job did before; a reproduction moves nothing twice.
fn repeated(view: &View<'_>) -> Option<StepResult> {
    let cached_from = Some(view.claim.run.reproduces.filter(|_| view.step.action.function().is_none())?);
    // What the original does not know of it did not do.
    let Some(original) = &view.original else { return Some(StepResult { cached_from, ..StepResult::default() }) };
    let (results, inputs, models) = (original.results.clone(), original.inputs.clone(), original.models.clone());
    Some(StepResult { results, inputs, models, cached_from, ..StepResult::default() })
}

async fn attempt(view: &View<'_>, with: With<'_>, cancelled: &CancellationToken) -> Attempt {
    if let Some(result) = repeated(view) {
        return Ok(result);
    }
    // What a step moves is told as an event, which is as deep as the run.
    let acting = depth::within(view.claim.run.depth, act(view, with, cancelled));
    match view.step.action.function() {
        // A job is given its deadline by the engine, which also stops it.
        Some(_) => acting.await,
        None => within(view.step.timeout, cancelled, acting).await,
    }
}

/// Work that is dropped when it takes too long or nobody wants it any more.
pub(crate) async fn within<T>(
    limit: Option<Millis>,
    cancelled: &CancellationToken,
    work: impl Future<Output = Result<T, Box<Broken>>>,
) -> Result<T, Box<Broken>> {
    let limited = async {
        match limit {
            None => work.await,
            Some(limit) => {
                tokio::time::timeout(limit.duration(), work).await.unwrap_or_else(|_| Err(late(limit).into()))
            }
        }
    };
    let stopped = || Err(Failure::transient(code::CANCELLED, "the step was cancelled").into());
    cancelled.run_until_cancelled(limited).await.unwrap_or_else(stopped)
}

fn late(limit: Millis) -> Failure {
    Failure::transient(code::DEADLINE, format!("the step took longer than its timeout of {limit}"))
}

async fn act(view: &View<'_>, with: With<'_>, cancelled: &CancellationToken) -> Attempt {
    let services = with.services;
    match &view.step.action {
        Action::Function(action) => actions::function::run(view, action, with, cancelled).await,
        Action::RegisterModel(action) => actions::register_model::run(view, action, services).await,
        Action::PromoteModel(action) => actions::promote_model::run(view, action, services).await,
        Action::Deploy(action) => actions::deploy::run(view, action, services).await,
        Action::Call(action) => actions::call::run(view, action, services, cancelled).await,
        Action::Request(action) => actions::request::run(view, action, with, cancelled).await,
        Action::Notify(action) => actions::notify::run(view, action, services, with.config).await,
        Action::Event(action) => actions::event::run(view, action, with, cancelled).await,
        Action::Tracked(_) => {
            Err(Failure::invalid("outside", "it ran outside of the host, so nothing here can run it").into())
        }
    }
}

fn failed(view: &View<'_>, broken: Broken, with: With<'_>) -> Settlement {
    let Broken { failure, mut result } = broken;
    keep_pins(view, &mut result);
    if let Some(after_ms) = actions::event::waits_ms(view, &failure, with) {
        return Settlement::Waits { failure, after_ms, result: Box::new(result) };
    }
    let retry = &view.step.retry;
    let attempt = attempt_number(view.claim);
    let again = failure.code != code::CANCELLED && retry.again(attempt, failure.kind);
    let delay = || {
        let asked = failure.retry_after_ms.map_or(0, u64::from);
        let planned =
            retry.jittered_delay(attempt, step_seed(view.claim.run.seed, &view.claim.key.step, view.claim.key.trial));
        asked.max(u64::try_from(planned.as_millis()).unwrap_or(u64::MAX))
    };
    let retry_after_ms = again.then(delay);
    Settlement::Failed { failure, retry_after_ms, result: Box::new(result) }
}

/// Which attempt it is, counted from 1, since the run was last asked for.
pub(crate) fn attempt_number(claim: &Claim) -> u32 {
    claim.attempt.saturating_sub(claim.earlier_attempts)
}

/// What an earlier attempt pinned stays pinned, even where this one did not get as far.
fn keep_pins(view: &View<'_>, result: &mut StepResult) {
    for pinned in &view.claim.inputs {
        if !result.inputs.iter().any(|it| it.name == pinned.name) {
            result.inputs.push(pinned.clone());
        }
    }
}

/// The reference of a claim, for records of the calls it makes.
pub(crate) fn step_ref(claim: &Claim) -> StepRef {
    StepRef { run: claim.key.run, step: claim.key.step.clone(), trial: claim.key.trial }
}
