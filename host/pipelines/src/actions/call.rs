//! Calls what is in service, and measures: latency percentiles, errors, the first answers.

mod payload;

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use hdrhistogram::Histogram;
use host_core::{
    call::{CallContext, Called, Reply, Target, TriggerRef},
    event::Failure,
    model::ModelRef,
    pipeline::{Call, CallTarget},
    run::StepResult,
};
use http_body_util::BodyExt;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    executor::{Attempt, step_ref},
    services::Services,
    view::View,
};
use payload::Payloads;

/// How many answers are kept in the results.
const SHOWN: usize = 10;
/// The largest answer that is read, bytes.
const ANSWER: usize = 1 << 20;

/// One call's latency and answer.
type Measured = (Duration, Result<Value, Failure>);

/// Makes the calls, some at a time.
pub(crate) async fn run(view: &View<'_>, action: &Call, services: &Services, cancelled: &CancellationToken) -> Attempt {
    let payloads = Payloads::read(view, action, services).await?;
    let started = Instant::now();
    let calls = (0..action.requests.max(1)).map(|index| one(view, action, services, &payloads, index as usize));
    let all = stream::iter(calls).buffered(action.parallel.clamp(1, 1_000) as usize).collect::<Vec<_>>();
    let Some(measured) = cancelled.run_until_cancelled(all).await else {
        return Err(Failure::transient(host_core::event::code::CANCELLED, "cancelled").into());
    };
    let results = report(&measured, started.elapsed());
    let first_error = measured.iter().find_map(|(_, answer)| answer.as_ref().err());
    match first_error {
        Some(failure) if measured.iter().all(|(_, answer)| answer.is_err()) => Err(failure.clone().into()),
        _ => Ok(StepResult { results, ..StepResult::default() }),
    }
}

async fn one(view: &View<'_>, action: &Call, services: &Services, payloads: &Payloads, index: usize) -> Measured {
    let call = match payloads.call(index) {
        Ok(call) => call,
        Err(failure) => return (Duration::ZERO, Err(failure)),
    };
    let mut context = CallContext::new(TriggerRef::new("run", view.claim.run.spec.name()));
    context.step = Some(step_ref(view.claim));
    let target = target(view, &action.target);
    let started = Instant::now();
    let called = services.dispatch.call(target, context, call).await;
    let answer = answer(called).await;
    (started.elapsed(), answer)
}

fn target(view: &View<'_>, target: &CallTarget) -> Target {
    let project = view.claim.run.spec.project.clone();
    match target {
        CallTarget::Endpoint(name) => {
            Target::Model(project, ModelRef { model: name.clone(), at: host_core::model::At::Default })
        }
        CallTarget::Function(function) => Target::Function(project, function.clone()),
    }
}

async fn answer(called: Called) -> Result<Value, Failure> {
    match called.reply? {
        Reply::Infer(prediction) => Ok(payload::prediction_json(&prediction)),
        Reply::Events(outcomes) => match outcomes.into_iter().next() {
            Some(outcome) => Ok(outcome?.first().map_or(Value::Null, |output| parse(&output.data))),
            None => Err(Failure::fatal("no-outcome", "the function gave no outcome")),
        },
        Reply::Http(response) => response_json(response).await,
        Reply::Job(_) => Err(Failure::invalid("not-callable", "a job cannot be called; run it as a step")),
    }
}

async fn response_json(response: http::Response<host_core::body::Body>) -> Result<Value, Failure> {
    let status = response.status();
    let body = http_body_util::Limited::new(response.into_body(), ANSWER).collect().await;
    let body = body.map_err(|error| Failure::transient("broken-answer", error.to_string()))?.to_bytes();
    if status.is_success() {
        Ok(parse(&body))
    } else {
        Err(Failure::invalid("status", format!("the function answered {status}")))
    }
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

fn report(measured: &[Measured], wall: Duration) -> Map<String, Value> {
    let mut latency = Histogram::<u64>::new_with_bounds(1, 3_600_000_000, 3).ok();
    for (took, _) in measured {
        if let Some(latency) = &mut latency {
            latency.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        }
    }
    let at = |quantile: f64| latency.as_ref().map(|it| it.value_at_quantile(quantile));
    let errors: Vec<&Failure> = measured.iter().filter_map(|(_, answer)| answer.as_ref().err()).collect();
    let answers: Vec<&Value> = measured.iter().filter_map(|(_, answer)| answer.as_ref().ok()).take(SHOWN).collect();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let per_second = measured.len() as f64 / wall.as_secs_f64().max(1e-9);
    Map::from_iter([
        ("requests".to_owned(), json!(measured.len())),
        ("errors".to_owned(), json!(errors.len())),
        ("first_error".to_owned(), json!(errors.first().map(|it| &it.message))),
        ("p50_us".to_owned(), json!(at(0.5))),
        ("p90_us".to_owned(), json!(at(0.9))),
        ("p99_us".to_owned(), json!(at(0.99))),
        ("max_us".to_owned(), json!(latency.as_ref().map(Histogram::max))),
        ("mean_us".to_owned(), json!(latency.as_ref().map(|it| it.mean().round()))),
        ("per_second".to_owned(), json!(per_second.round())),
        ("answers".to_owned(), json!(answers)),
    ])
}
