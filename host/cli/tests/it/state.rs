//! Keyed state and sent events: counts that survive, buckets that stay apart, destinations that are named.

mod buckets;
mod counts;
mod sent;

use serde_json::{Value, json};

use crate::support::{Host, until};

/// The grants of the guest that counts.
const COUNTER: &str = "[grants]\nkeyvalue = [\"default\"]\n";

/// Sends an event of a type to a function; the status and the data of its answer.
fn send(host: &Host, function: &str, kind: &str, data: &Value) -> (u16, Value) {
    let headers = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/tests"), ("ce-type", kind)];
    let (status, body) =
        host.send_with("POST", &format!("/fn/{function}"), None, &headers, data.to_string().as_bytes());
    (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
}

/// The same, where it must succeed.
fn ask(host: &Host, function: &str, kind: &str, data: &Value) -> Value {
    let (status, answer) = send(host, function, kind, data);
    assert!(status < 300, "{kind} {data}: {status} {answer}");
    answer
}

/// Counts an event.
fn count(host: &Host, key: &str, id: u64) -> u64 {
    let answer = ask(host, "counter", "item", &json!({ "key": key, "id": id }));
    assert_eq!(answer["key"], key);
    answer["count"].as_u64().unwrap()
}

/// Waits until a function's log has a line with `text`.
fn logged(host: &Host, function: &str, text: &str) {
    until(text, || {
        let lines = host.json_lines(&["logs", function]);
        lines.iter().any(|it| it["message"].as_str().unwrap().contains(text)).then_some(())
    });
}

/// A name that no other test has, nor this one when it runs again.
fn unique(what: &str) -> String {
    let folder = tempfile::Builder::new().prefix("").rand_bytes(12).tempdir().unwrap();
    format!("{what}-{}", folder.path().file_name().unwrap().to_str().unwrap().to_lowercase())
}

/// Where a server is that tests may use, by its variable.
#[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
fn server(variable: &str) -> Option<String> {
    let found = std::env::var(variable).ok();
    if found.is_none() {
        eprintln!("not tried: `cargo xtask test` does, or set {variable}");
    }
    found
}
