//! From `fn deploy` to the record of a call, and what happens to calls while the host or the function changes.

mod lifecycle;
mod records;
mod up;

use serde_json::Value;

use crate::support::Host;

/// The header that says which revision answered.
const REVISION: &str = "x-weft-revision";

/// Asks a handler to do what `behaviour` says, and returns the status and body.
fn event(host: &Host, function: &str, behaviour: &str, payload: &str) -> (u16, String) {
    let answer = host.ask("POST", &format!("/fn/{function}"), &ce(behaviour), payload.as_bytes());
    (answer.status, answer.text())
}

/// The header fields of an event of a type.
fn ce(behaviour: &str) -> [(&'static str, &str); 5] {
    [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/tests"),
        ("ce-type", behaviour),
        ("content-type", "text/plain"),
    ]
}

/// The numbers of the revisions of a function, newest first.
fn revisions(host: &Host, function: &str) -> Vec<u64> {
    let page = host.get_json(&format!("/api/v1/projects/default/functions/{function}/revisions"));
    page["items"].as_array().unwrap().iter().map(|it| it["number"].as_u64().unwrap()).collect()
}

/// The grant without which the conformance handler is not deployed.
const GRANTS: &str = "[grants]\nmodel = [\"conformance\"]\n";

/// One of the records of a page by a field of it.
fn with<'a>(items: &'a [Value], field: &str, value: &str) -> &'a Value {
    items.iter().find(|it| it[field] == value).unwrap_or_else(|| panic!("no {field} is {value}: {items:?}"))
}
