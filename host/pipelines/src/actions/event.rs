//! Hands an event that was kept to the function it wakes, and keeps what the function gave back.

use bytes::Bytes;
use host_core::{
    Digest,
    artifact::Kind,
    call::{Call, CallContext, Called, Reply, Target, TriggerRef},
    event::{Event, Failure, Output, code},
    function::{FunctionRef, Revision},
    pipeline::{EVENT_DATA, EVENT_OUTPUTS, MOST_INLINE, Woken},
    ports::{DeadLetter, TriggerId},
    run::{PinnedFunction, RunKind, StepOutput, StepResult},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::function::{finished, revision};
use crate::{
    cloudevent,
    executor::{Attempt, Broken, With, attempt_number, step_ref},
    failure::{of_artifact, of_unresolved},
    inputs,
    services::Services,
    view::View,
};

/// The first wait for a function that has no room; each further one is twice as long.
const WAIT_MS: u64 = 50;
/// How often it becomes twice as long: 6.4 seconds in the end.
const LONGER: u32 = 7;

/// Hands the event over. One that is given up becomes a dead letter, and its run fails.
pub(crate) async fn run(view: &View<'_>, action: &Woken, with: With<'_>, cancelled: &CancellationToken) -> Attempt {
    let services = with.services;
    let revision = revision(view, &action.function, services).await?;
    let pinned = PinnedFunction { revision: revision.id, number: revision.number, component: revision.component };
    let mut result = StepResult { function: Some(pinned), ..StepResult::default() };
    let sources = view.work().map_err(|error| of_unresolved("event", &error))?.inputs;
    inputs::resolve(view, with, &revision.manifest, sources, &mut result.inputs).await?;
    let event = event(action, &result, services, revision.manifest.limits.max_body.0).await?;
    let called = called(view, action, &revision, &event, services, cancelled).await;
    let finished = finished(called.end).await;
    result.usage = Some(finished.usage);
    result.models = finished.models;
    let outcome = match called.reply {
        Ok(Reply::Events(outcomes)) if outcomes.len() == 1 => outcomes.into_iter().next().unwrap_or(Ok(Vec::new())),
        Ok(_) => Err(Failure::fatal(code::WRONG_COUNT, "the function gave another number of answers")),
        Err(failure) => Err(failure),
    };
    let kept = match outcome {
        Ok(outputs) => keep(outputs, &mut result, services).await,
        Err(failure) => {
            bury(view, action, event, &failure, &revision, with).await;
            Err(failure)
        }
    };
    match kept {
        Ok(()) => Ok(result),
        Err(failure) => Err(Broken::new(failure, result)),
    }
}

async fn event(action: &Woken, result: &StepResult, services: &Services, most: u64) -> Result<Event, Failure> {
    let input = result.inputs.iter().find(|it| it.name == EVENT_DATA);
    let data = match input.filter(|_| action.event.has_input()) {
        Some(input) => {
            let read = services.artifacts.get(&input.digest, most).await;
            Some(read.map_err(|error| of_artifact(EVENT_DATA, &error))?)
        }
        None => None,
    };
    // It was an event when it came; only a damaged journal could say otherwise.
    action.event.event(data).ok_or_else(|| Failure::fatal("damaged-run", "the kept event is none"))
}

/// How long an event waits that found no room at its function, or no function that can be called: the step is given back
/// meanwhile, and no attempt was made. Nothing, where it failed or has waited for too long.
pub(crate) fn waits_ms(view: &View<'_>, failure: &Failure, with: With<'_>) -> Option<u64> {
    let run = &view.claim.run;
    let has_no_room = [code::OVERLOADED, code::UNAVAILABLE].contains(&failure.code.as_str());
    if run.kind != RunKind::Event || !has_no_room {
        return None;
    }
    let waited = with.services.clock.now().duration_since(run.as_of).as_millis();
    if waited > i128::from(with.config.event_patience_ms) {
        return None;
    }
    let planned = WAIT_MS << view.claim.earlier_attempts.min(LONGER);
    Some(planned.max(failure.retry_after_ms.map_or(0, u64::from)))
}

async fn called(
    view: &View<'_>,
    action: &Woken,
    revision: &Revision,
    event: &Event,
    services: &Services,
    cancelled: &CancellationToken,
) -> Called {
    let reference = FunctionRef { name: revision.function.clone(), revision: Some(revision.number) };
    let target = Target::Function(view.claim.run.project.clone(), reference);
    let call = Call::Events(vec![event.clone()]);
    services.dispatch.call(target, context(view, action, event, cancelled), call).await
}

fn context(view: &View<'_>, action: &Woken, event: &Event, cancelled: &CancellationToken) -> CallContext {
    let mut context = CallContext::new(TriggerRef::new(kind(&action.kind), action.trigger.as_str()));
    context.attempt = attempt_number(view.claim);
    context.principal.clone_from(&view.claim.run.owner);
    context.cancelled = cancelled.child_token();
    context.step = Some(step_ref(view.claim));
    context.depth = view.claim.run.depth;
    let trace = event.extensions.iter().find(|(name, _)| name == "traceparent");
    context.traceparent = trace.map(|(_, value)| value.clone());
    context
}

/// The words that records know.
fn kind(kind: &str) -> &'static str {
    ["schedule", "publish"].into_iter().find(|it| *it == kind).unwrap_or("event")
}

/// What is little stands in the results; the rest becomes an artifact.
async fn keep(outputs: Vec<Output>, result: &mut StepResult, services: &Services) -> Result<(), Failure> {
    result.results.insert("count".to_owned(), json!(outputs.len()));
    if outputs.is_empty() {
        return Ok(());
    }
    let outputs: Value = outputs.iter().map(cloudevent::of_output).collect();
    let text = outputs.to_string();
    if text.len() <= MOST_INLINE {
        result.results.insert(EVENT_OUTPUTS.to_owned(), outputs);
        return Ok(());
    }
    let stored = services.artifacts.put(Bytes::from(text)).await;
    let blob = stored.map_err(|error| of_artifact(EVENT_OUTPUTS, &error))?;
    result.outputs.push(StepOutput {
        name: EVENT_OUTPUTS.to_owned(),
        digest: blob.digest,
        size: blob.size,
        kind: Kind::File,
        media_type: Some("application/json".to_owned()),
        metadata: Value::Null,
    });
    Ok(())
}

/// Keeps an event that no attempt follows for. The run holds it as well, so that a store that is away loses nothing.
async fn bury(view: &View<'_>, action: &Woken, event: Event, failure: &Failure, revision: &Revision, with: With<'_>) {
    let services = with.services;
    let attempt = attempt_number(view.claim);
    // Nobody has looked at an event whose call was stopped or found no room.
    let is_unseen = failure.code == code::CANCELLED || waits_ms(view, failure, with).is_some();
    if is_unseen || view.step.retry.again(attempt, failure.kind) {
        return;
    }
    let spec = &view.claim.run;
    let function = action.function.name.clone();
    let id = Digest::of(format!("weft run\n{}", spec.id).as_bytes()).to_string();
    let letter = DeadLetter {
        id: id.trim_start_matches("sha256:").chars().take(32).collect(),
        trigger: TriggerId { project: spec.project.clone(), function, name: action.trigger.clone() },
        kind: action.kind.clone(),
        at: services.clock.now(),
        event,
        place: None,
        failure: failure.clone(),
        revision: Some(revision.id),
        attempts: attempt,
        times: 1,
        replayed_at: None,
    };
    if let Err(error) = services.letters.keep(vec![letter]).await {
        tracing::error!(run = %spec.id, %error, "could not keep an event as a dead letter; its run has it still");
    }
}
