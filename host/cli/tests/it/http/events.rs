//! CloudEvents over HTTP: in the headers, in the body, in batches; and what outcomes are as answers.

use serde_json::{Value, json};

use crate::support::{Host, Options, raw::Answer};

const MANIFEST: &str = "record = \"all\"\n[limits]\nmemory = \"8MiB\"\n[grants]\nmodel = [\"conformance\"]\n";

fn host() -> Host {
    let host = Host::start();
    host.deploy("handler", "conformance_handler.wasm", MANIFEST);
    host
}

/// An event of a type, in the headers.
fn binary(host: &Host, behaviour: &str, payload: &str) -> Answer {
    let fields = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/tests"),
        ("ce-type", behaviour),
        ("ce-partitionkey", "caf%C3%A9"),
        ("content-type", "text/plain"),
    ];
    host.ask("POST", "/fn/handler", &fields, payload.as_bytes())
}

fn post(host: &Host, content_type: &str, body: &Value) -> Answer {
    host.ask("POST", "/fn/handler", &[("content-type", content_type)], body.to_string().as_bytes())
}

fn event(id: &str, behaviour: &str, payload: &str) -> Value {
    json!({ "specversion": "1.0", "id": id, "source": "/tests", "type": behaviour,
        "datacontenttype": "text/plain", "data": payload })
}

const ONE: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json; charset=utf-8";

#[test]
fn an_event_comes_in_the_headers_or_in_the_body() {
    let host = host();
    assert_eq!(binary(&host, "upper", "hi").text(), "HI");
    assert_eq!(post(&host, ONE, &event("1", "upper", "hi")).text(), "HI");
    let mut encoded = event("1", "upper", "");
    encoded.as_object_mut().unwrap().remove("data");
    encoded["data_base64"] = "aGk=".into();
    assert_eq!(post(&host, ONE, &encoded).text(), "HI");

    // Keys are bytes, shown in hexadecimal: "café" in UTF-8.
    let seen = &binary(&host, "context", "hi").json()["event"];
    assert_eq!((&seen["key"], &seen["content_type"]), (&"636166c3a9".into(), &"text/plain".into()));
    assert_eq!((&seen["id"], &seen["source"], &seen["bytes"]), (&"1".into(), &"/tests".into(), &2.into()));
    let echoed = binary(&host, "echo", "hi");
    assert_eq!((echoed.text().as_str(), echoed.field("content-type")), ("hi", Some("text/plain")));
    let said = ["ce-specversion", "ce-id", "ce-source", "ce-type"].map(|name| echoed.field(name).unwrap_or_default());
    assert_eq!(said, ["1.0", "1/0", "/fn/handler", "echo"], "the answer is an event as well");
    assert!(echoed.field("ce-time").is_some_and(|it| it.ends_with('Z')));
}

#[test]
fn a_plain_request_is_an_event_too() {
    let host = host();
    let answer = host.ask("POST", "/fn/handler/orders?x=1", &[("content-type", "text/plain")], b"hi");
    assert_eq!((answer.status, answer.problem()), (422, "unknown-behaviour".to_owned()));
    assert!(answer.text().contains("weft.http.request"), "{}", answer.text());
}

#[test]
fn an_outcome_has_its_status() {
    let host = host();
    let answer = |behaviour: &str, payload: &str| binary(&host, behaviour, payload);
    assert_eq!(answer("split", "3").text(), "0", "the first output is the answer");
    let none = answer("none", "");
    assert_eq!((none.status, none.body.len(), none.field("content-type")), (204, 0, None));
    assert_eq!(answer("status", "201").status, 201);

    let failed = |behaviour: &str, payload: &str| {
        let answer = answer(behaviour, payload);
        (answer.status, answer.problem())
    };
    let expected = [
        ("invalid", "no", 422, "asked"),
        ("transient", "2500", 503, "asked"),
        ("fatal", "no", 500, "asked"),
        ("trap", "no", 500, "trap"),
        ("grow", "", 500, "memory-limit"),
        ("wrong-count", "", 500, "wrong-count"),
        ("status", "999", 500, "bad-status"),
        ("status", "100", 500, "bad-status"),
    ];
    for (behaviour, payload, status, code) in expected {
        assert_eq!(failed(behaviour, payload), (status, code.to_owned()), "{behaviour} {payload}");
    }
    assert_eq!(answer("transient", "2500").field("retry-after"), Some("3"), "rounded up to seconds");
    host.deploy("handler", "conformance_handler.wasm", &MANIFEST.replace("memory = \"8MiB\"", "timeout = \"300ms\""));
    assert_eq!(failed("spin", ""), (504, "deadline".to_owned()));
}

#[test]
fn a_batch_is_answered_event_by_event() {
    let host = host();
    let answer = post(&host, BATCH, &json!([event("a", "upper", "hi"), event("b", "split", "2")]));
    assert_eq!((answer.status, answer.field("content-type")), (200, Some("application/json")));
    let all = answer.json();
    assert_eq!((&all[0]["id"], &all[0]["outputs"][0]["data"]), (&"a".into(), &"HI".into()));
    assert_eq!(all[1]["outputs"].as_array().unwrap().len(), 2);

    let batch = json!([event("a", "upper", "hi"), event("b", "invalid", "no"), event("c", "transient", "5")]);
    let answer = post(&host, BATCH, &batch);
    assert_eq!(answer.status, 207);
    let all = answer.json();
    assert_eq!(all[0]["outputs"][0]["data"], "HI");
    assert_eq!(all[1]["failure"], json!({ "kind": "invalid", "code": "asked", "message": "no" }));
    assert_eq!((&all[2]["failure"]["kind"], &all[2]["failure"]["retry_after_ms"]), (&"transient".into(), &5.into()));

    assert_eq!(host.calls("", 2)[0]["events"], 3, "one call, however many events");
    assert_eq!(post(&host, BATCH, &json!([])).text(), "[]");
}

#[test]
fn what_is_no_event_is_refused_with_what_is_wrong() {
    let host = host();
    let mut both = event("1", "upper", "hi");
    both["data_base64"] = "aGk=".into();
    let cases = [
        (ONE, json!({ "specversion": "1.0", "id": "1", "source": "/s" }), "the event has no `type`"),
        (ONE, json!({ "specversion": "0.3", "id": "1", "source": "/s", "type": "t" }), "specversion `0.3`"),
        (ONE, both, "both data and data_base64"),
        (ONE, json!([]), "not a CloudEvent in JSON"),
        (BATCH, json!({}), "not a batch in JSON"),
        (BATCH, json!([event("1", "upper", "hi"), { "id": "2" }]), "the event has no `specversion`"),
    ];
    for (content_type, body, expected) in cases {
        let answer = post(&host, content_type, &body);
        assert_eq!((answer.status, answer.problem()), (400, "bad-event".to_owned()), "{body}");
        assert!(answer.text().contains(expected), "{expected}: {}", answer.text());
    }
    let answer = host.ask("POST", "/fn/handler", &[("ce-specversion", "1.0"), ("ce-id", "1")], b"hi");
    assert_eq!((answer.status, answer.problem()), (400, "bad-event".to_owned()));
}

#[test]
fn a_batch_has_a_largest_size() {
    let host = Host::start_with(Options::default().env("WEFT_HTTP__MAX_BATCH", "2"));
    host.deploy("handler", "conformance_handler.wasm", MANIFEST);
    let batch = |number: usize| json!(vec![event("1", "upper", "hi"); number]);
    assert_eq!(post(&host, BATCH, &batch(2)).status, 200);
    let answer = post(&host, BATCH, &batch(3));
    assert_eq!((answer.status, answer.problem()), (413, "too-many-events".to_owned()));
}

#[test]
fn an_event_is_traced() {
    let host = host();
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut fields = vec![("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/t"), ("ce-type", "context")];
    fields.push(("traceparent", traceparent));
    let context = host.ask("POST", "/fn/handler", &fields, b"").json();
    assert_eq!(context["traceparent"], traceparent);
    assert_eq!(context["trigger"], json!({ "kind": "http", "name": "/fn/handler" }));
}
