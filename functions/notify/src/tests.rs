//! Events in, messages out; and what a webhook's answer means.

use serde_json::json;
use weft::failure::Kind;

use super::*;

fn told(kind: &str, subject: &str, data: Value) -> String {
    let mut event = Event::new(kind, data);
    event.subject = Some(subject.to_owned());
    events::message(&event).unwrap().as_slack_takes_it()["text"].as_str().unwrap().to_owned()
}

#[test]
fn events_of_the_platform_are_told_in_words() {
    let failure =
        json!({ "name": "nightly", "kind": "pipeline", "failure": { "code": "gap", "message": "row 2 has a gap" } });
    assert_eq!(told("weft.run.failed", "r-1", failure), "Pipeline `nightly` failed\nrow 2 has a gap");
    assert_eq!(told("weft.run.finished", "r-1", json!({ "name": "train", "kind": "job" })), "Run of `train` finished");
    let promoted = json!({ "model": "wine", "alias": "production", "from": 1, "to": 2 });
    assert_eq!(told("weft.model.promoted", "wine@production", promoted), "Model `wine`: `production` is now version 2");
    assert_eq!(told("weft.model.registered", "wine@3", json!({})), "Model `wine@3` is registered");
}

#[test]
fn other_events_tell_what_they_say() {
    assert_eq!(told("hello", "x", json!({ "title": "Hi", "text": "there" })), "Hi\nthere");
    assert_eq!(told("order.placed", "o-1", json!({ "cents": 5 })), "order.placed o-1\n{\"cents\":5}");
    assert_eq!(events::message(&Event::new("hello", Value::Null)).unwrap_err().code, "nothing-to-tell");
}

#[test]
fn a_status_says_whether_telling_it_again_may_help() {
    let answer = |status, headers: &[(&str, &str)]| Fetched {
        status,
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect(),
        body: Vec::new(),
    };
    assert_eq!(judged(&answer(200, &[])), Ok(Told { status: 200 }));
    let busy = judged(&answer(429, &[("retry-after", "30")])).unwrap_err();
    assert_eq!((busy.kind, busy.retry_after), (Kind::Transient, Some(Duration::from_secs(30))));
    assert_eq!(judged(&answer(503, &[])).unwrap_err().kind, Kind::Transient);
    assert_eq!(judged(&answer(400, &[])).unwrap_err().kind, Kind::Invalid);
    for status in [301, 403, 404, 410] {
        assert_eq!(judged(&answer(status, &[])).unwrap_err().kind, Kind::Fatal);
    }
}
