//! Cases of a handler: events in, outcomes out.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use host_core::{
    call::{Call, CallContext, Reply, Target, TriggerRef},
    event::{Event, Outcome, Output},
    function::FunctionRef,
};
use serde_json::{Map, Value, json};

use super::{Differences, Subject, compare::differences};

/// Sends the events as one batch.
pub(super) async fn run(events: &[Map<String, Value>], expected: &Value, subject: &Subject<'_>) -> Differences {
    let events = match events.iter().enumerate().map(|(index, it)| event(index, it)).collect::<Result<Vec<_>, _>>() {
        Ok(events) => events,
        Err(difference) => return vec![difference],
    };
    let target =
        Target::Function(subject.revision.project.clone(), FunctionRef::from(subject.revision.function.clone()));
    let called =
        subject.dispatch.call(target, CallContext::new(TriggerRef::new("test", "case")), Call::Events(events)).await;
    match called.reply {
        Ok(Reply::Events(outcomes)) => {
            let actual: Value = outcomes.iter().map(outcome).collect();
            differences("outcome", expected, &actual)
        }
        Ok(_) => vec!["the function did not answer with outcomes".to_owned()],
        Err(failure) => vec![format!("the call failed with {}: {}", failure.code, failure.message)],
    }
}

fn event(index: usize, case: &Map<String, Value>) -> Result<Event, String> {
    let text = |key: &str| case.get(key).and_then(Value::as_str).map(str::to_owned);
    let data = match (case.get("data_base64").and_then(Value::as_str), case.get("data")) {
        (Some(base64), _) => {
            STANDARD.decode(base64).map_err(|error| format!("events[{index}].data_base64: {error}"))?
        }
        (None, Some(Value::String(text))) if text_content(case) => text.clone().into_bytes(),
        (None, Some(value)) => value.to_string().into_bytes(),
        (None, None) => Vec::new(),
    };
    let extensions = case.get("extensions").and_then(Value::as_object).into_iter().flatten();
    Ok(Event {
        id: text("id").unwrap_or_else(|| index.to_string()),
        source: text("source").unwrap_or_else(|| "weft:case".to_owned()),
        r#type: text("type").unwrap_or_else(|| "weft.case".to_owned()),
        subject: text("subject"),
        time: text("time"),
        content_type: text("datacontenttype").or_else(|| Some("application/json".to_owned())),
        key: text("key").map(Bytes::from),
        inlet: text("inlet").unwrap_or_default(),
        extensions: extensions
            .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect(),
        data: data.into(),
    })
}

/// Whether `data` is the text itself rather than JSON.
fn text_content(case: &Map<String, Value>) -> bool {
    case.get("datacontenttype").and_then(Value::as_str).is_some_and(|it| !it.contains("json"))
}

fn outcome(outcome: &Outcome) -> Value {
    match outcome {
        Ok(outputs) => json!({ "outputs": outputs.iter().map(output).collect::<Vec<_>>() }),
        Err(failure) => json!({ "failure": failure }),
    }
}

fn output(output: &Output) -> Value {
    let data = serde_json::from_slice(&output.data)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&output.data).into_owned()));
    let extensions: Map<String, Value> =
        output.extensions.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "outlet": output.outlet,
        "type": output.r#type,
        "subject": output.subject,
        "datacontenttype": output.content_type,
        "key": output.key.as_ref().map(|it| String::from_utf8_lossy(it).into_owned()),
        "extensions": extensions,
        "data": data,
        "data_base64": STANDARD.encode(&output.data),
    })
}
