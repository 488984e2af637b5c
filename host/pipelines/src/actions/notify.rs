//! Tells somebody that a request was answered, or that it failed, with a CloudEvent.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use host_core::{
    event::Failure,
    pipeline::{Notify, REQUEST_STEP, RESPONSE},
    ports::NotifyError,
    run::{StepKey, StepOutput, StepRecord, StepResult},
};
use serde_json::{Map, Value, json};

use super::function::revision;
use crate::{config::Config, executor::Attempt, failure::of_artifact, services::Services, view::View};

/// What such an event is called.
const TYPE: &str = "dev.weft.call.completed";
/// The JSON format of CloudEvents.
const MEDIA_TYPE: &str = "application/cloudevents+json";

/// Sends the event; whoever is too busy to take it is told again.
pub(crate) async fn run(view: &View<'_>, action: &Notify, services: &Services, config: &Config) -> Attempt {
    let revision = revision(view, &action.function, services).await?;
    let event = event(view, services, config).await?;
    let longest = Duration::from_millis(config.notify_ms.max(1));
    let told = services.notify.post(&revision, &action.url, MEDIA_TYPE, event.to_string().into(), longest).await;
    let status = told.map_err(|error| of_notify(&error))?;
    match status {
        200..=299 => {
            let results = Map::from_iter([("status".to_owned(), Value::from(status))]);
            Ok(StepResult { results, ..StepResult::default() })
        }
        408 | 425 | 429 | 500..=599 => {
            Err(Failure::transient("notify-status", format!("`{}` answered {status}", action.url)).into())
        }
        _ => Err(Failure::invalid("notify-status", format!("`{}` answered {status}", action.url)).into()),
    }
}

async fn event(view: &View<'_>, services: &Services, config: &Config) -> Result<Value, Failure> {
    let (run, spec) = (view.claim.key.run, &view.claim.run);
    let key = StepKey { run, step: REQUEST_STEP.to_owned(), trial: None };
    let read = services.journal.step(&key).await;
    let read = read.map_err(|error| Failure::transient("store", error.to_string()))?;
    let request = read.as_ref();
    let answer = request.and_then(|it| it.outputs.iter().find(|it| it.name == RESPONSE));
    let data = match (request, answer) {
        (_, Some(output)) => answered(output, services, config.notify_bytes).await?,
        (Some(request), None) => failed(request),
        (None, None) => json!({}),
    };
    let Value::Object(mut data) = data else { return Err(Failure::fatal("damaged-run", "no data")) };
    data.insert("run".to_owned(), json!(run));
    data.insert("project".to_owned(), json!(spec.project));
    data.insert("function".to_owned(), json!(spec.pipeline.name));
    Ok(json!({
        "specversion": "1.0",
        "id": run,
        "source": format!("/api/v1/projects/{}/runs", spec.project),
        "type": TYPE,
        "subject": spec.pipeline.name,
        "time": request.and_then(|it| it.finished_at).unwrap_or_else(|| services.clock.now()),
        "datacontenttype": "application/json",
        "data": data,
    }))
}

/// The response, with its bytes unless they are too many.
async fn answered(output: &StepOutput, services: &Services, most: u64) -> Result<Value, Failure> {
    let mut data = json!({
        "state": "done",
        "status": output.metadata["status"],
        "headers": output.metadata["headers"],
        "digest": output.digest,
        "size": output.size,
    });
    if output.size > most {
        return Ok(data);
    }
    let bytes = services.artifacts.get(&output.digest, most).await.map_err(|error| of_artifact(RESPONSE, &error))?;
    let is_json = output.media_type.as_deref().is_some_and(|it| it.contains("json"));
    let parsed = is_json.then(|| serde_json::from_slice::<Value>(&bytes).ok()).flatten();
    match (parsed, std::str::from_utf8(&bytes)) {
        (Some(value), _) => data["body"] = value,
        (None, Ok(text)) => data["body"] = text.into(),
        (None, Err(_)) => data["body_base64"] = STANDARD.encode(&bytes).into(),
    }
    Ok(data)
}

fn failed(request: &StepRecord) -> Value {
    let failure = request.failure.as_ref();
    json!({
        "state": request.state,
        "failure": failure.map(|it| json!({ "kind": it.kind, "code": it.code, "message": it.message })),
    })
}

fn of_notify(error: &NotifyError) -> Failure {
    match error {
        NotifyError::Invalid { .. } | NotifyError::Refused { .. } => {
            Failure::invalid("notify-refused", error.to_string())
        }
        NotifyError::Unreachable { .. } => Failure::transient("notify", error.to_string()),
    }
}
