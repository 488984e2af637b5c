//! Bad input of every kind gives a clear error or a recovery, while the same host goes on serving others.

mod clients;
mod components;
mod files;
mod guests;
mod texts;

use serde_json::Value;

use crate::support::{Host, Options, root};

/// A host on which another function, the witness, is deployed.
fn host() -> Host {
    host_with(Options::default())
}

fn host_with(options: Options) -> Host {
    let host = Host::start_with(options);
    host.deploy("witness", "conformance_http.wasm", "");
    host
}

/// The same process still answers another function and is ready for more.
fn still_serves(host: &Host) {
    assert_eq!(host.get("/fn/witness/hello"), (200, "Hello, World!".to_owned()));
    let health = host.get_json("/readyz");
    assert_eq!((&health["status"], &health["dropped_records"]), (&"ok".into(), &0.into()));
}

/// The conformance handler as `handler`, with limits of its own.
fn deploy_handler(host: &Host, limits: &str) {
    let manifest = format!("record = \"all\"\n[limits]\n{limits}[grants]\nmodel = [\"conformance\"]\n");
    host.deploy("handler", "conformance_handler.wasm", &manifest);
}

/// One event for `handler`: the status and the answer.
fn event(host: &Host, behaviour: &str, payload: &str) -> (u16, String) {
    let fields = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/tests"), ("ce-type", behaviour)];
    let answer = host.ask("POST", "/fn/handler", &fields, payload.as_bytes());
    (answer.status, answer.text())
}

/// The conformance job, as its own manifest says.
fn deploy_job(host: &Host) {
    host.json(&["deploy", root().join("sdk/conformance/job").to_str().unwrap(), "--no-build"]);
}

/// Runs the conformance job: what it reported, or how it failed.
fn job(host: &Host, action: &str, text: &str, inputs: &[&str]) -> Result<Value, Value> {
    let (action, text) = (format!("do={action}"), format!("text={}", Value::from(text)));
    let mut args = vec!["run", "conformance-job", "--json", "--param", "n=5", "--param", &action, "--param", &text];
    for input in inputs {
        args.extend(["--input", input]);
    }
    let output = host.run(&args);
    let last = String::from_utf8(output.stdout).unwrap().lines().last().map(str::to_owned);
    let run: Value = serde_json::from_str(&last.unwrap_or_default()).unwrap();
    let step = &run["steps"][0];
    if output.status.success() { Ok(step["results"]["report"].clone()) } else { Err(step["failure"].clone()) }
}
