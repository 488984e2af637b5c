//! Cases of a job: params and input files in, output files and results out.

use std::{path::Path, sync::Arc};

use host_core::{
    Digest,
    call::{Call, CallContext, JobCall, JobInput, Reply, Target, TriggerRef},
    clock::from_micros,
    event::Failure,
    function::FunctionRef,
    pipeline::bind_params,
    ports::NoTrack,
};
use serde_json::{Map, Value, json};

use super::{Differences, Subject, compare::differences};

/// Runs the job in a folder of its own.
pub(super) async fn run(
    params: Option<&Map<String, Value>>,
    inputs: &Map<String, Value>,
    expected: &Value,
    subject: &Subject<'_>,
) -> Differences {
    match attempt(params, inputs, subject).await {
        Ok(actual) => differences("outcome", expected, &actual),
        Err(difference) => vec![difference],
    }
}

async fn attempt(
    params: Option<&Map<String, Value>>,
    inputs: &Map<String, Value>,
    subject: &Subject<'_>,
) -> Result<Value, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("could not make a folder: {error}"))?;
    let out = folder.path().join("out");
    std::fs::create_dir(&out).map_err(|error| format!("could not make a folder: {error}"))?;
    let track = Arc::new(NoTrack::default());
    let mut context = CallContext::new(TriggerRef::new("test", "case"));
    context.track = Some(track.clone());
    let call = JobCall {
        params: bound(params, subject)?,
        inputs: inputs
            .iter()
            .map(|(name, source)| input(name, source, folder.path(), subject))
            .collect::<Result<_, _>>()?,
        out: out.clone(),
        seed: 0,
        as_of: from_micros(0),
        models: Vec::new(),
    };
    let target =
        Target::Function(subject.revision.project.clone(), FunctionRef::from(subject.revision.function.clone()));
    let called = subject.dispatch.call(target, context, Call::Job(call)).await;
    match called.reply {
        Ok(Reply::Job(reply)) => Ok(json!({ "outputs": outputs(&reply.outputs, &out)?, "results": track.results() })),
        Ok(_) => Err("the function did not answer as a job".to_owned()),
        Err(failure) => Ok(failed(&failure, &track)),
    }
}

fn bound(params: Option<&Map<String, Value>>, subject: &Subject<'_>) -> Result<Map<String, Value>, String> {
    let given = params.cloned().unwrap_or_default();
    if subject.revision.manifest.params.is_empty() {
        return Ok(given);
    }
    bind_params(&subject.revision.manifest.params, &given).map_err(|problems| {
        let all: Vec<_> = problems.iter().map(|it| it.message.clone()).collect();
        format!("params: {}", all.join("; "))
    })
}

fn input(name: &str, source: &Value, folder: &Path, subject: &Subject<'_>) -> Result<JobInput, String> {
    let bytes = match (source.get("text").and_then(Value::as_str), source.get("file").and_then(Value::as_str)) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(file)) => {
            let file = subject.folder.join(file);
            std::fs::read(&file)
                .map_err(|error| format!("inputs.{name}: could not read {}: {error}", file.display()))?
        }
        (None, None) => return Err(format!("inputs.{name}: give `text` or `file`")),
    };
    let path = folder.join(format!("in-{name}"));
    std::fs::write(&path, &bytes).map_err(|error| format!("inputs.{name}: {error}"))?;
    let kind = subject.revision.manifest.inputs.get(name).map(|it| it.kind).unwrap_or_default();
    Ok(JobInput { name: name.to_owned(), path, digest: Digest::of(&bytes), kind, media_type: None })
}

/// The outputs by name; text where they are text, and always the digest and size.
fn outputs(names: &[String], out: &Path) -> Result<Value, String> {
    let mut outputs = Map::new();
    for name in names {
        let bytes = std::fs::read(out.join(name)).map_err(|error| format!("outcome.outputs.{name}: {error}"))?;
        let mut output = Map::from_iter([
            ("bytes".to_owned(), json!(bytes.len())),
            ("digest".to_owned(), json!(Digest::of(&bytes))),
        ]);
        if let Ok(text) = String::from_utf8(bytes) {
            if let Ok(parsed) = serde_json::from_str::<Value>(&text) {
                output.insert("json".to_owned(), parsed);
            }
            output.insert("text".to_owned(), json!(text));
        }
        outputs.insert(name.clone(), Value::Object(output));
    }
    Ok(Value::Object(outputs))
}

fn failed(failure: &Failure, track: &NoTrack) -> Value {
    json!({ "failure": failure, "results": track.results() })
}
