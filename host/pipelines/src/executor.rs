//! Executes one claimed step, whatever its action, and says how it ended.

use host_core::{
    call::StepRef,
    event::{Failure, code},
    pipeline::Action,
    ports::Claim,
    run::{Settlement, StepRecord, StepResult},
    size::Millis,
};
use tokio_util::sync::CancellationToken;

use crate::{actions, config::Config, seed::step_seed, services::Services, view::View};

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

/// Executes the step of a claim until it ends or is cancelled.
pub(crate) async fn execute(
    claim: &Claim,
    services: &Services,
    config: &Config,
    cancelled: &CancellationToken,
) -> Settlement {
    let original = match original(claim, services).await {
        Ok(original) => original,
        Err(failure) => return Settlement::Failed { failure, retry_after_ms: Some(1_000), result: Box::default() },
    };
    let Some(view) = View::new(claim, original) else {
        let failure = Failure::fatal(
            "damaged-run",
            format!("the pipeline of run {} has no step `{}`", claim.run.spec.id, claim.key.step),
        );
        return Settlement::Failed { failure, retry_after_ms: None, result: Box::default() };
    };
    match attempt(&view, services, config, cancelled).await {
        _ if cancelled.is_cancelled() => Settlement::Cancelled,
        Ok(result) => Settlement::Done(Box::new(result)),
        Err(broken) => failed(&view, *broken),
    }
}

/// The record of the same step in the run that this one reproduces.
async fn original(claim: &Claim, services: &Services) -> Result<Option<StepRecord>, Failure> {
    let Some(run) = claim.run.spec.reproduces else { return Ok(None) };
    let steps = services.journal.steps(run).await.map_err(|error| Failure::transient("store", error.to_string()))?;
    Ok(steps.into_iter().find(|it| it.key.step == claim.key.step && it.key.trial == claim.key.trial))
}

/// What a step that is no job did before; a reproduction moves nothing twice.
fn repeated(view: &View<'_>) -> Option<StepResult> {
    let original = view.original.as_ref().filter(|_| view.step.action.function().is_none())?;
    let (results, inputs, models) = (original.results.clone(), original.inputs.clone(), original.models.clone());
    let cached_from = view.claim.run.spec.reproduces;
    Some(StepResult { results, inputs, models, cached_from, ..StepResult::default() })
}

async fn attempt(view: &View<'_>, services: &Services, config: &Config, cancelled: &CancellationToken) -> Attempt {
    if let Some(result) = repeated(view) {
        return Ok(result);
    }
    let acting = act(view, services, config, cancelled);
    // A job is given its deadline by the engine, which also stops it.
    match view.step.timeout.filter(|_| view.step.action.function().is_none()) {
        None => acting.await,
        Some(limit) => tokio::time::timeout(limit.duration(), acting).await.unwrap_or_else(|_| Err(late(limit).into())),
    }
}

fn late(limit: Millis) -> Failure {
    Failure::transient(code::DEADLINE, format!("the step took longer than its timeout of {limit}"))
}

async fn act(view: &View<'_>, services: &Services, config: &Config, cancelled: &CancellationToken) -> Attempt {
    match &view.step.action {
        Action::Function(action) => actions::function::run(view, action, services, config, cancelled).await,
        Action::RegisterModel(action) => actions::register_model::run(view, action, services).await,
        Action::PromoteModel(action) => actions::promote_model::run(view, action, services).await,
        Action::Deploy(action) => actions::deploy::run(view, action, services).await,
        Action::Call(action) => actions::call::run(view, action, services, cancelled).await,
    }
}

fn failed(view: &View<'_>, broken: Broken) -> Settlement {
    let Broken { failure, result } = broken;
    let retry = &view.step.retry;
    let attempt = view.claim.attempt.saturating_sub(view.claim.earlier_attempts);
    let again = failure.code != code::CANCELLED && retry.again(attempt, failure.kind);
    let delay = || {
        let asked = failure.retry_after_ms.map_or(0, u64::from);
        let planned = retry
            .jittered_delay(attempt, step_seed(view.claim.run.spec.seed, &view.claim.key.step, view.claim.key.trial));
        asked.max(u64::try_from(planned.as_millis()).unwrap_or(u64::MAX))
    };
    let retry_after_ms = again.then(delay);
    Settlement::Failed { failure, retry_after_ms, result: Box::new(result) }
}

/// The reference of a claim, for records of the calls it makes.
pub(crate) fn step_ref(claim: &Claim) -> StepRef {
    StepRef { run: claim.key.run, step: claim.key.step.clone(), trial: claim.key.trial }
}
