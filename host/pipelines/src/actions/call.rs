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

/// What the calls have come to so far. Of the answers only the first are kept, however many there are.
struct Tally {
    latency: Option<Histogram<u64>>,
    requests: u32,
    errors: u32,
    first_error: Option<Failure>,
    answers: Vec<Value>,
}

/// Makes the calls, some at a time.
pub(crate) async fn run(view: &View<'_>, action: &Call, services: &Services, cancelled: &CancellationToken) -> Attempt {
    let payloads = Payloads::read(view, action, services).await?;
    let started = Instant::now();
    let calls =
        (0..action.requests.max(1)).map(|index| one(view, action, services, &payloads, cancelled, index as usize));
    let mut answers = stream::iter(calls).buffered(action.parallel.clamp(1, 1_000) as usize);
    let mut tally = Tally::new();
    while let Some(measured) = answers.next().await {
        tally.add(measured);
    }
    let results = tally.report(started.elapsed());
    match tally.first_error {
        Some(failure) if tally.errors == tally.requests => Err(failure.into()),
        _ => Ok(StepResult { results, ..StepResult::default() }),
    }
}

async fn one(
    view: &View<'_>,
    action: &Call,
    services: &Services,
    payloads: &Payloads,
    cancelled: &CancellationToken,
    index: usize,
) -> Measured {
    let call = match payloads.call(index) {
        Ok(call) => call,
        Err(failure) => return (Duration::ZERO, Err(failure)),
    };
    let mut context = CallContext::new(TriggerRef::new("run", view.claim.run.name()));
    context.step = Some(step_ref(view.claim));
    context.principal.clone_from(&view.claim.run.owner);
    context.cancelled = cancelled.child_token();
    context.depth = view.claim.run.depth;
    let target = target(view, &action.target);
    let started = Instant::now();
    let called = services.dispatch.call(target, context, call).await;
    let answer = answer(called).await;
    (started.elapsed(), answer)
}

fn target(view: &View<'_>, target: &CallTarget) -> Target {
    let project = view.claim.run.project.clone();
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

impl Tally {
    fn new() -> Self {
        let latency = Histogram::new_with_bounds(1, 3_600_000_000, 3).ok();
        Self { latency, requests: 0, errors: 0, first_error: None, answers: Vec::new() }
    }

    fn add(&mut self, (took, answer): Measured) {
        self.requests += 1;
        if let Some(latency) = &mut self.latency {
            latency.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        }
        match answer {
            Ok(answer) if self.answers.len() < SHOWN => self.answers.push(answer),
            Ok(_) => {}
            Err(failure) => {
                self.errors += 1;
                self.first_error.get_or_insert(failure);
            }
        }
    }

    fn report(&self, wall: Duration) -> Map<String, Value> {
        let latency = self.latency.as_ref();
        let at = |quantile: f64| latency.map(|it| it.value_at_quantile(quantile));
        let per_second = f64::from(self.requests) / wall.as_secs_f64().max(1e-9);
        Map::from_iter([
            ("requests".to_owned(), json!(self.requests)),
            ("errors".to_owned(), json!(self.errors)),
            ("first_error".to_owned(), json!(self.first_error.as_ref().map(|it| &it.message))),
            ("p50_us".to_owned(), json!(at(0.5))),
            ("p90_us".to_owned(), json!(at(0.9))),
            ("p99_us".to_owned(), json!(at(0.99))),
            ("max_us".to_owned(), json!(latency.map(Histogram::max))),
            ("mean_us".to_owned(), json!(latency.map(|it| it.mean().round()))),
            ("per_second".to_owned(), json!(per_second.round())),
            ("answers".to_owned(), json!(self.answers)),
        ])
    }
}
