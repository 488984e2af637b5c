//! One execution per key.

use super::{LATER, accepted, brisk, deploy, event, host, response};
use crate::support::{Host, raw::Answer, until};

/// Posts to the counting path of the site: how often its instance was called.
fn post(host: &Host, key: &str, body: &str) -> Answer {
    host.ask("POST", "/fn/site/describe", &[("idempotency-key", key), ("content-type", "text/plain")], body.as_bytes())
}

#[test]
fn the_same_key_is_answered_alike_and_executed_once() {
    let host = host("");
    host.deploy("random", "conformance_handler.wasm", "[grants]\nmodel = [\"conformance\"]\n");
    let ask = |key: &str, body: &str| {
        let fields = [
            ("ce-specversion", "1.0"),
            ("ce-id", "1"),
            ("ce-source", "/t"),
            ("ce-type", "random"),
            ("content-type", "text/plain"),
            ("idempotency-key", key),
        ];
        host.ask("POST", "/fn/random", &fields, body.as_bytes())
    };
    let first = ask("\"a\"", "x");
    assert_eq!((first.status, first.field("idempotency-replayed")), (200, None));
    let again = ask("a", "x");
    assert_eq!((again.status, again.field("idempotency-replayed")), (200, Some("true")));
    assert_eq!((again.text(), again.field("content-type")), (first.text(), first.field("content-type")));
    assert_ne!(ask("b", "x").text(), first.text(), "another key is another request");
    let other = ask("a", "y");
    assert_eq!((other.status, other.problem()), (422, "key-reused".to_owned()));
}

#[test]
fn a_key_outlives_its_host() {
    let mut host = host("");
    let first = post(&host, "k", "one");
    host.kill();
    host.restart();
    let again = post(&host, "k", "one");
    assert_eq!((again.text(), again.field("idempotency-replayed")), (first.text(), Some("true")));
}

#[test]
fn of_many_with_one_key_one_is_executed() {
    let host = host("");
    let fields = event("sleep", &[("idempotency-key", "race")]);
    let fields: Vec<_> = fields.into_iter().filter(|it| *it != LATER).collect();
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| host.ask("POST", "/fn/handler", &fields, b"300"))).collect();
        asking.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let executed = answers.iter().filter(|it| it.status == 204 && it.field("idempotency-replayed").is_none());
    assert_eq!(executed.count(), 1);
    let others = answers.iter().filter(|it| it.field("idempotency-replayed").is_none() && it.status != 204);
    for other in others {
        assert_eq!((other.status, other.problem()), (409, "key-in-use".to_owned()));
        assert!(other.field("retry-after").is_some());
    }
}

#[test]
fn what_failed_is_answered_alike_too_and_large_answers_are_not_kept() {
    let host = Host::start_with(brisk().env("WEFT_HTTP__MAX_KEPT", "1KiB"));
    deploy(&host, "");
    let failing: Vec<_> = event("fatal", &[("idempotency-key", "f")]).into_iter().filter(|it| *it != LATER).collect();
    let ask = || host.ask("POST", "/fn/handler", &failing, b"no");
    let (first, again) = (ask(), ask());
    assert_eq!((first.status, again.status, again.field("idempotency-replayed")), (500, 500, Some("true")));
    assert_eq!(first.text(), again.text());
    let large = || host.ask("POST", "/fn/site/large?bytes=5000", &[("idempotency-key", "l")], b"x");
    let (first, again) = (large(), large());
    assert_eq!((first.status, first.body.len()), (200, 5_000));
    assert_eq!((again.status, again.problem()), (409, "response-not-kept".to_owned()));
}

#[test]
fn keys_are_for_methods_that_need_them_and_must_be_readable() {
    let host = host("");
    let get = || host.ask("GET", "/fn/site/hello", &[("idempotency-key", "g")], b"");
    assert_eq!((get().status, get().field("idempotency-replayed")), (200, None));
    let long = "x".repeat(256);
    for key in ["", "\"\"", long.as_str()] {
        assert_eq!(post(&host, key, "x").status, 400, "{key}");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    assert_eq!(host.ask("POST", "/fn/site/echo", &twice, b"x").status, 400);
}

#[test]
fn a_key_makes_one_run_of_a_request_for_later() {
    let mut host = host("");
    let fields = event("upper", &[("idempotency-key", "later")]);
    let first = host.ask("POST", "/fn/handler", &fields, b"hi");
    let run = accepted(&first);
    host.kill();
    host.restart();
    let again = host.ask("POST", "/fn/handler", &fields, b"hi");
    assert_eq!((accepted(&again), again.field("idempotency-replayed")), (run.clone(), Some("true")));
    assert_eq!(response(&host, &run).text(), "HI");
    assert_eq!(host.json(&["runs", "list"])["items"].as_array().unwrap().len(), 1);
    // Without the preference it is another request.
    let now: Vec<_> = fields.iter().copied().filter(|it| *it != LATER).collect();
    assert_eq!(host.ask("POST", "/fn/handler", &now, b"hi").status, 422);
}

#[test]
fn a_client_that_goes_away_finds_its_answer_when_it_comes_back() {
    let host = host("");
    let fields: Vec<_> = event("sleep", &[("idempotency-key", "gone")]).into_iter().filter(|it| *it != LATER).collect();
    let with_length = [fields.as_slice(), &[("content-length", "3")]].concat();
    let mut wire = host.begin("POST", "/fn/handler", &with_length);
    wire.send(b"500").unwrap();
    let is_known = |answer: &Answer| answer.status == 409 || answer.field("idempotency-replayed").is_some();
    until("the key to be known", || Some(()).filter(|()| is_known(&host.ask("POST", "/fn/handler", &fields, b"500"))));
    drop(wire);
    let answer =
        until("the answer", || Some(host.ask("POST", "/fn/handler", &fields, b"500")).filter(|it| it.status != 409));
    assert_eq!((answer.status, answer.field("idempotency-replayed")), (204, Some("true")));
}
