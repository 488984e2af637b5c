//! The cases of the suite, each against the guest it is for: over the API, over HTTP, and as a run.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::{
    runs::{Ran, ran},
    support::{Host, root, until},
};

/// The media type of calls with whole events.
const EVENTS: &str = "application/vnd.weft.events+json";

/// Runs every case; a line for each difference.
pub(super) fn all(host: &Host) -> Vec<String> {
    let mut failed = Vec::new();
    for (folder, run) in [("handler", events as fn(&Host, &Value) -> Vec<String>), ("http", request), ("job", job)] {
        for (name, case) in read(folder) {
            // A second time, it meets an instance that was asked before.
            for _ in 0..if case["warm"] == true { 2 } else { 1 } {
                failed.extend(run(host, &case).into_iter().map(|it| format!("{folder}/{name}: {it}")));
            }
        }
    }
    failed
}

fn read(folder: &str) -> Vec<(String, Value)> {
    let folder = root().join("sdk/conformance/suite").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 10, "{files:?}");
    let case = |file: &PathBuf| {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        (name, serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap())
    };
    files.iter().map(case).collect()
}

/// Events go in as one batch, outcomes come out in their order.
fn events(host: &Host, case: &Value) -> Vec<String> {
    let body = json!({ "events": case["events"] }).to_string();
    let path = "/api/v1/projects/default/functions/handler/invoke";
    let (status, said) = host.post(path, EVENTS, body.as_bytes());
    if status != 200 {
        return vec![format!("{status} {said}")];
    }
    let answer: Value = serde_json::from_str(&said).unwrap();
    let mut found = differences("outcome", &case["outcome"], &answer["outcomes"]);
    if let Some(lines) = case["logs"].as_array() {
        found.extend(logged(lines, || host.json_lines(&["logs", "--call", answer["call"].as_str().unwrap()])));
    }
    found
}

fn request(host: &Host, case: &Value) -> Vec<String> {
    let (request, expected) = (&case["request"], &case["response"]);
    let method = request["method"].as_str().unwrap_or("GET");
    let fields = request["headers"].as_object().cloned().unwrap_or_default();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, it)| (name.as_str(), it.as_str().unwrap())).collect();
    let body = match &request["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let answer =
        host.exchange(method, &format!("/fn/http{}", request["path"].as_str().unwrap()), &fields, body.as_bytes());
    let mut found = differences("status", &expected["status"], &json!(answer.status));
    for (name, value) in expected["headers"].as_object().into_iter().flatten() {
        let there = answer.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        found.extend(differences(name, value, &json!(there)));
    }
    match expected.get("body") {
        Some(Value::String(text)) if *text != answer.text() => {
            found.push(format!("body: expected {text}, got {}", answer.text()))
        }
        Some(Value::String(_)) | None => {}
        Some(json) => {
            found.extend(differences("body", json, &serde_json::from_slice(&answer.body).unwrap_or(Value::Null)))
        }
    }
    found
}

fn job(host: &Host, case: &Value) -> Vec<String> {
    let run = begun(host, case["params"].as_object().unwrap(), case["inputs"].as_object());
    let expected = &case["outcome"];
    let step = &run.steps()[0];
    let mut found = match expected.get("failure") {
        Some(failure) => differences("failure", failure, &step["failure"]),
        None => differences("state", &json!("done"), &step["state"]),
    };
    if !found.is_empty() {
        found.push(step["failure"].to_string());
        return found;
    }
    if let Some(results) = expected.get("results") {
        found.extend(differences("results", results, &step["results"]));
    }
    for (name, output) in expected["outputs"].as_object().into_iter().flatten() {
        let bytes = host.bytes(run.output("job", name));
        found.extend(differences(name, &output["text"], &json!(String::from_utf8_lossy(&bytes))));
    }
    found.extend(recorded(host, &run, &case["records"]));
    if let Some(lines) = case["logs"].as_array() {
        found.extend(logged(lines, || host.json_lines(&["runs", "logs", run.id()])));
    }
    found
}

/// Runs the job to its end, whatever that is.
pub(super) fn begun(host: &Host, params: &Map<String, Value>, inputs: Option<&Map<String, Value>>) -> Ran {
    let mut args: Vec<String> = ["run", "job", "--json"].map(str::to_owned).to_vec();
    args.extend(params.iter().flat_map(|(name, value)| ["--param".to_owned(), format!("{name}={value}")]));
    for (name, input) in inputs.into_iter().flatten() {
        let file = host.file(&format!("input-{name}"), input["text"].as_str().unwrap());
        args.extend(["--input".to_owned(), format!("{name}={file}")]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    ran(&host.run(&args))
}

/// What is on record beside results: metrics in the order of their steps, params, and what was said of outputs.
fn recorded(host: &Host, run: &Ran, expected: &Value) -> Vec<String> {
    let shown = host.shown(run.id());
    let metrics = shown.0["metrics"].as_array().unwrap();
    let mut found = Vec::new();
    for (name, values) in expected["metrics"].as_object().into_iter().flatten() {
        let mut points: Vec<&Value> = metrics.iter().filter(|it| it["name"] == *name).collect();
        points.sort_by_key(|it| it["at_step"].as_i64());
        let there: Value = points.iter().map(|it| it["value"].clone()).collect();
        found.extend(differences(name, values, &there));
    }
    let step = &shown.steps()[0];
    if let Some(params) = expected.get("params") {
        found.extend(differences("params", params, &step["params"]));
    }
    for (name, output) in expected["outputs"].as_object().into_iter().flatten() {
        let there = step["outputs"].as_array().unwrap().iter().find(|it| it["name"] == *name);
        found.extend(differences(name, output, there.unwrap_or(&Value::Null)));
    }
    found
}

/// Lines of a log, once there are as many as expected.
fn logged(expected: &[Value], ask: impl Fn() -> Vec<Value>) -> Vec<String> {
    let lines = until("the log is written", || Some(ask()).filter(|it| it.len() >= expected.len()));
    differences("logs", &json!(expected), &json!(lines))
}

/// Every place where `actual` is not what `expected` says; what it leaves out is not compared.
pub(super) fn differences(path: &str, expected: &Value, actual: &Value) -> Vec<String> {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            let all = expected.iter().map(|(key, value)| (key, value, actual.get(key).unwrap_or(&Value::Null)));
            all.flat_map(|(key, expected, actual)| differences(&format!("{path}.{key}"), expected, actual)).collect()
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            let all = expected.iter().zip(actual).enumerate();
            all.flat_map(|(at, (expected, actual))| differences(&format!("{path}[{at}]"), expected, actual)).collect()
        }
        (Value::Number(expected), Value::Number(actual)) if near(expected.as_f64(), actual.as_f64()) => Vec::new(),
        _ if expected == actual => Vec::new(),
        _ => vec![format!("{path}: expected {expected}, got {actual}")],
    }
}

fn near(expected: Option<f64>, actual: Option<f64>) -> bool {
    matches!((expected, actual), (Some(a), Some(b)) if (a - b).abs() <= 1e-6 * a.abs().max(1.0))
}
