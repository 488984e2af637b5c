//! Buckets: those that are granted, those that are not, and whose they are.

use serde_json::{Value, json};

use super::{COUNTER, ask, count, logged, send};
use crate::{
    runs::ran,
    support::{Host, Options, until},
};

#[test]
fn a_bucket_does_what_the_standard_says() {
    let host = Host::start();
    host.deploy("counter", "conformance_state.wasm", COUNTER);
    let ask = |kind: &str, data: Value| ask(&host, "counter", kind, &data);
    assert_eq!(ask("get", json!({ "key": "a" })), Value::Null);
    ask("set", json!({ "key": "a", "value": { "n": [1, "ü", null] } }));
    assert_eq!(ask("get", json!({ "key": "a" })), json!({ "n": [1, "ü", null] }));
    assert_eq!(ask("exists", json!({ "key": "a" })), true);
    assert_eq!(ask("increment", json!({ "key": "n", "by": -5 })), -5);
    ask("set-many", json!({ "keys": ["c", "b", "d"], "value": 7 }));
    assert_eq!(ask("get-many", json!({ "keys": ["d", "x", "b"] })), json!([7, null, 7]));
    assert_eq!(ask("keys", json!({})), json!(["a", "b", "c", "d", "n"]));
    ask("delete-many", json!({ "keys": ["b", "x", "a"] }));
    ask("delete", json!({ "key": "c" }));
    assert_eq!(ask("keys", json!({})), json!(["d", "n"]));
    assert_eq!(ask("exists", json!({ "key": "a" })), false);
}

#[test]
fn a_bucket_that_is_full_takes_no_more_until_something_goes() {
    let host = Host::start_with(Options::default().env("WEFT_KEYVALUE__BUCKET", "10KiB"));
    host.deploy("counter", "conformance_state.wasm", COUNTER);
    let set = |key: &str| send(&host, "counter", "set", &json!({ "key": key, "value": "x".repeat(6_000) }));
    assert!(set("a").0 < 300);
    let (status, told) = set("b");
    assert!(status == 503 && told.to_string().contains("`default` is full: keyvalue.bucket"), "{status} {told}");
    assert_eq!(ask(&host, "counter", "keys", &json!({})), json!(["a"]));
    ask(&host, "counter", "delete", &json!({ "key": "a" }));
    until("there is room", || (set("b").0 < 300).then_some(()));
}

#[test]
fn what_cannot_be_kept_is_refused_and_leaves_no_trace() {
    let host = Host::start();
    host.deploy(
        "counter",
        "conformance_state.wasm",
        "[limits]\nmax_body = \"4MiB\"\n[grants]\nkeyvalue = [\"default\"]\n",
    );
    let long = "k".repeat(1_025);
    for data in [json!({ "key": "" }), json!({ "key": long }), json!({ "key": "a\0b" })] {
        let (status, told) = send(&host, "counter", "set", &data);
        assert_eq!(status, 503, "{told}");
    }
    let (status, told) = send(&host, "counter", "set", &json!({ "key": "k", "value": "x".repeat(1 << 20) }));
    assert!(status == 503 && told.to_string().contains("1048576 are allowed"), "{status} {told}");
    ask(&host, "counter", "set", &json!({ "key": "k", "value": "no number" }));
    let (status, told) = send(&host, "counter", "increment", &json!({ "key": "k" }));
    assert!(status == 503 && told.to_string().contains("no whole number"), "{status} {told}");
    assert_eq!(ask(&host, "counter", "keys", &json!({})), json!(["k"]));
    let many: Vec<String> = (0..1_001).map(|it| it.to_string()).collect();
    assert_eq!(send(&host, "counter", "get-many", &json!({ "keys": many })).0, 503);
    assert_eq!(ask(&host, "counter", "get-many", &json!({ "keys": many[1..] })).as_array().unwrap().len(), 1_000);
}

#[test]
fn a_bucket_that_is_not_granted_is_told_with_the_line_to_add() {
    let host = Host::start();
    let folder = host.function("counter", "conformance_state.wasm", "");
    let (_, told) = host.fails(&["deploy", folder.to_str().unwrap()]);
    assert!(told.contains("wasi:keyvalue") && told.contains("keyvalue = [\"default\"]"), "{told}");
    host.deploy("counter", "conformance_state.wasm", COUNTER);
    let (status, told) = send(&host, "counter", "get", &json!({ "bucket": "other", "key": "a" }));
    assert_eq!(status, 500, "{told}");
    assert!(told.to_string().contains("add it to `keyvalue` under [grants]"), "{told}");
    logged(
        &host,
        "counter",
        "the bucket `other` is not granted: write keyvalue = [\"default\", \"other\"] under [grants]",
    );
    host.deploy("counter", "conformance_state.wasm", "[grants]\nkeyvalue = [\"default\", \"other\"]\n");
    assert_eq!(ask(&host, "counter", "get", &json!({ "bucket": "other", "key": "a" })), Value::Null);
}

#[test]
fn functions_of_a_project_share_a_bucket_and_other_projects_never_see_it() {
    let host = Host::start();
    host.deploy("counter", "conformance_state.wasm", COUNTER);
    host.deploy("reader", "conformance_state.wasm", COUNTER);
    let folder = host.data().join("functions/counter");
    host.json(&["deploy", folder.to_str().unwrap(), "--project", "shop"]);
    assert_eq!(count(&host, "red", 1), 1);
    assert_eq!(ask(&host, "reader", "get", &json!({ "key": "red" }))["count"], 1);
    assert_eq!(ask(&host, "shop:counter", "keys", &json!({})), json!([]));
    assert_eq!(ask(&host, "shop:counter", "item", &json!({ "key": "red", "id": 1 }))["count"], 1);
    ask(&host, "shop:counter", "delete", &json!({ "key": "red" }));
    assert_eq!(count(&host, "red", 2), 2, "what one project forgets the other keeps");
}

const JOB: &str =
    "[grants]\nkeyvalue = [\"default\"]\n[params]\nbucket = { type = \"string\", default = \"\" }\n[outputs.report]\n";

#[test]
fn a_program_built_on_the_first_draft_keeps_state_and_is_never_taken_from_the_cache() {
    let host = Host::start();
    host.deploy("keeper", "conformance-keyvalue.wasm", JOB);
    let run = || ran(&host.run(&["run", "keeper", "--json"])).done();
    let report = |run: &crate::runs::Ran| {
        let digest = run.steps()[0]["outputs"][0]["digest"].as_str().unwrap().to_owned();
        String::from_utf8(host.bytes(&digest)).unwrap()
    };
    let first = run();
    let expected = "calls 1\nname Some(\"wine\")\nexists true false\ndeleted None\n\
                    many [Some((\"many/0007\", [0, 255])), None]\nkeys 2501 true\nleft 1601\n";
    let told = report(&first);
    assert!(told.starts_with(expected), "{told}");
    assert!(told.contains("backwards Err(Error::Other") && told.contains("too far Err(Error::Other"), "{told}");
    let second = run();
    assert!(report(&second).starts_with("calls 2\n"), "it saw what the first one left");
    assert_eq!(second.steps()[0]["cached_from"], Value::Null);
    let output = host.run(&["runs", "reproduce", first.id(), "--json"]);
    let comparison: Value = serde_json::from_slice(&output.stdout).unwrap();
    let obstacles = comparison["obstacles"].to_string();
    assert!(obstacles.contains("is not reproducible: granted keyvalue"), "{obstacles}");
}

#[test]
fn an_address_with_a_password_is_refused_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let mut up = crate::support::command(&["up", "--listen", "127.0.0.1:0", "--data"]);
    up.arg(folder.path()).env("WEFT_KEYVALUE__BACKEND", "redis://weft:hunter22@cache:6379");
    let output = up.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("WEFT_REDIS_PASSWORD"), "{told}");
    assert!(!told.contains("hunter22"), "{told}");
}

#[test]
fn a_store_that_is_away_is_told_and_the_event_is_worth_another_attempt() {
    // A port that nothing listens on.
    let options = Options::default()
        .env("WEFT_KEYVALUE__BACKEND", "redis://127.0.0.1:1")
        .env("WEFT_KEYVALUE__PATIENCE", "500ms")
        .env("WEFT_REDIS_PASSWORD", "hunter22");
    let host = Host::start_with(options);
    host.deploy("counter", "conformance_state.wasm", COUNTER);
    let (status, told) = send(&host, "counter", "increment", &json!({ "key": "k" }));
    assert!(status == 503 && told.to_string().contains("Redis did not do it"), "{status} {told}");
    logged(&host, "counter", "state could not be used: Redis did not do it");
    let log = std::fs::read_to_string(host.data().join("host.log")).unwrap();
    assert!(log.contains("keyed state cannot be used") && !log.contains("hunter22"), "{log}");
}
