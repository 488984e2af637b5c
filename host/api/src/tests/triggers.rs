//! Triggers and dead letters, asked for over HTTP.

use host_core::{
    Name,
    call::Place,
    event::{Event, Failure},
    ports::{DeadLetter, DeadLetters as _, TriggerId},
};
use serde_json::json;

use super::host::Host;

fn letter(number: u64) -> DeadLetter {
    let project = Name::default_project();
    DeadLetter {
        id: format!("letter-{number}"),
        trigger: TriggerId { project, function: "score".parse().unwrap(), name: "orders".into() },
        kind: "kafka".into(),
        at: jiff::Timestamp::from_second(i64::try_from(number).unwrap()).unwrap(),
        event: Event {
            id: number.to_string(),
            source: "kafka:orders".into(),
            r#type: "order".into(),
            subject: None,
            time: None,
            content_type: Some("text/plain".into()),
            key: Some(vec![0, 255].into()),
            inlet: String::new(),
            extensions: vec![("a".into(), "b".into())],
            data: "bonjour é".into(),
        },
        place: Some(Place { topic: "orders".into(), partition: 1, offset: number }),
        failure: Failure::invalid("bad-json", "it is none"),
        revision: None,
        attempts: 2,
        times: 1,
        replayed_at: None,
    }
}

#[tokio::test]
async fn letters_are_listed_by_page_and_shown_whole() {
    let host = Host::new().await;
    host.store.keep((1..=3).map(letter).collect()).await.unwrap();
    let uri = "/api/v1/projects/default/dead-letters";
    let first = host.get(&format!("{uri}?limit=2&function=score&trigger=orders")).await.json();
    assert_eq!((&first["items"][0]["id"], &first["items"][1]["id"]), (&json!("letter-3"), &json!("letter-2")));
    assert!(first["items"][0]["event"].get("data").is_none() && first["items"][0]["event"].get("key").is_none());
    let next = first["next"].as_str().unwrap();
    let second = host.get(&format!("{uri}?limit=2&after={next}")).await.json();
    assert_eq!((second["items"].as_array().unwrap().len(), second.get("next")), (1, None));
    assert_eq!(host.get(&format!("{uri}?function=other")).await.json()["items"], json!([]));
    let shown = host.get(&format!("{uri}/letter-1")).await.json();
    assert_eq!(shown["event"]["data"], json!({ "text": "bonjour é" }));
    assert_eq!(shown["event"]["key"], json!({ "base64": "AP8=" }));
    assert_eq!(shown["place"], json!({ "topic": "orders", "partition": 1, "offset": 1 }));
    assert_eq!(shown["failure"]["code"], "bad-json");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let host = Host::new().await;
    let project = "/api/v1/projects/default";
    assert_eq!(host.get(&format!("{project}/triggers")).await.json(), json!({ "items": [] }));
    for path in ["triggers/score/orders", "dead-letters/x"] {
        assert_eq!(host.get(&format!("{project}/{path}")).await.problem(), (404, "not-found".into()), "{path}");
    }
    for path in ["triggers/score/orders/pause", "triggers/score/orders/resume", "dead-letters/x/replay"] {
        let answer = host.post(&format!("{project}/{path}"), json!({})).await;
        assert_eq!(answer.problem(), (404, "not-found".into()), "{path}");
    }
    let seek = format!("{project}/triggers/score/orders/seek");
    assert_eq!(host.post(&seek, json!({ "to": "earliest" })).await.problem(), (404, "not-found".into()));
    assert_eq!(host.post(&seek, json!({ "to": "yesterday" })).await.problem(), (422, "invalid-body".into()));
    // The function of the letter has no trigger on this host.
    host.store.keep(vec![letter(1)]).await.unwrap();
    let replayed = host.post(&format!("{project}/dead-letters/letter-1/replay"), json!({})).await;
    assert_eq!(replayed.problem(), (404, "not-found".into()));
    let wrong = host.get(&format!("{project}/dead-letters?after=x")).await;
    assert!(wrong.problem().0 >= 400);
}

#[tokio::test]
async fn a_counter_that_was_told_never_shrinks() {
    use host_core::{
        call::Usage,
        ports::Recorder as _,
        record::{Tally, Verdict},
    };
    let host = Host::new().await;
    let deployed = host.deploy("echo", b"echo").await.json();
    let revision = deployed["revision"]["id"].as_str().unwrap().parse().unwrap();
    let calls = async || {
        let body = String::from_utf8(host.get("/metrics").await.body.to_vec()).unwrap();
        let line = body.lines().find(|it| it.starts_with("weft_calls_total{")).map(str::to_owned);
        line.and_then(|it| it.rsplit_once(' ').map(|(_, count)| count.parse::<u64>().unwrap()))
    };
    for expected in 1..=2 {
        let (started_at, usage) = (jiff::Timestamp::UNIX_EPOCH, Usage::default());
        host.store.recorder().tally(Tally { revision, verdict: Verdict::Ok, events: 1, started_at, usage });
        host.store.recorder().flush().await;
        assert_eq!(calls().await, Some(expected));
        assert_eq!(calls().await, Some(expected), "whoever asks takes nothing from the next one");
    }
}

#[tokio::test]
async fn metrics_are_told_as_openmetrics() {
    let host = Host::new().await;
    let answer = host.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(body.contains("weft_dropped_records_total 0\n") && body.ends_with("# EOF\n"), "{body}");
}
