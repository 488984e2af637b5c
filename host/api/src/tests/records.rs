//! Calls, log lines and artifacts.

use axum::body::Body;
use futures_util::StreamExt;
use host_core::{
    CallId, Name, RevisionId,
    call::Reply,
    event::Failure,
    ports::Recorder,
    record::{Level, LogLine, Stream},
};
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::host::Host;

const PROJECT: &str = "/api/v1/projects/default";

#[tokio::test]
async fn calls_on_record_are_listed_newest_first_and_page_by_page() {
    let host = Host::new().await;
    host.deploy("hello", b"one").await;
    *host.guest.act.lock() = Box::new(|_| Ok(Reply::Events(vec![Err(Failure::invalid("bad", "no"))])));
    let mut ids = Vec::new();
    for _ in 0..3 {
        let answer = host.send("POST", &format!("{PROJECT}/functions/hello/invoke"), "", "x").await;
        ids.insert(0, answer.json()["call"].clone());
    }
    host.store.recorder().flush().await;
    let first = host.get(&format!("{PROJECT}/calls?function=hello&verdict=invalid&limit=2")).await.json();
    let next = first["next"].as_str().unwrap();
    let rest = host.get(&format!("{PROJECT}/calls?function=hello&verdict=invalid&limit=2&after={next}")).await.json();
    let listed = [&first["items"][0], &first["items"][1], &rest["items"][0]].map(|it| it["id"].clone());
    assert_eq!((listed.to_vec(), &rest["next"]), (ids.clone(), &Value::Null));
    let shown = host.get(&format!("{PROJECT}/calls/{}", ids[0].as_str().unwrap())).await.json();
    assert_eq!(
        (&shown["failure"]["code"], &shown["trigger"], &shown["principal"]),
        (&json!("bad"), &json!("api"), &json!("local"))
    );
    assert_eq!(host.get(&format!("{PROJECT}/calls?verdict=ok")).await.json()["items"], json!([]));
    assert_eq!(host.get(&format!("{PROJECT}/calls/{}", CallId::next())).await.problem().0, 404);
}

fn line(message: &str) -> LogLine {
    LogLine {
        at: "2025-01-01T00:00:00Z".parse().unwrap(),
        project: Name::default_project(),
        function: "hello".parse().unwrap(),
        revision: RevisionId::next(),
        call: CallId::next(),
        run: None,
        step: None,
        stream: Stream::Log,
        level: Level::Info,
        message: message.into(),
        fields: serde_json::Map::new(),
    }
}

/// The events of a stream, as their names, ids and contents, one after another.
struct Events {
    body: axum::body::BodyDataStream,
    text: String,
}

impl Events {
    async fn open(host: &Host, uri: &str, last: Option<&str>) -> Self {
        let mut request = Request::builder().uri(uri);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = host.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"text/event-stream".parse().unwrap())
        );
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    async fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    event.lines().find_map(|it| it.strip_prefix(name)).unwrap_or_default().trim().to_owned()
                };
                let found = (field("event:"), field("id:"), serde_json::from_str(&field("data:")).unwrap_or_default());
                self.text = rest.to_owned();
                return Some(found);
            }
            let chunk = self.body.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn message(&mut self) -> String {
        self.next().await.unwrap().2["message"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn log_lines_are_listed_from_either_end() {
    let host = Host::new().await;
    for message in ["a", "b", "c"] {
        host.store.recorder().log(line(message));
    }
    host.store.recorder().flush().await;
    let messages = |page: &Value| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|it| it["message"].clone()).collect()
    };
    let oldest = host.get(&format!("{PROJECT}/logs?limit=2")).await.json();
    assert_eq!(messages(&oldest), ["a", "b"]);
    let next = oldest["next"].as_str().unwrap();
    assert_eq!(messages(&host.get(&format!("{PROJECT}/logs?after={next}")).await.json()), ["c"]);
    assert_eq!(messages(&host.get(&format!("{PROJECT}/logs?order=newest&limit=1")).await.json()), ["c"]);
    assert!(messages(&host.get(&format!("{PROJECT}/logs?level=warn")).await.json()).is_empty());
    assert!(messages(&host.get(&format!("{PROJECT}/logs?function=other")).await.json()).is_empty());
}

#[tokio::test]
async fn followed_lines_come_once_and_a_client_that_comes_back_misses_none() {
    let host = Host::new().await;
    let uri = format!("{PROJECT}/logs/follow?function=hello");
    for message in ["a", "b"] {
        host.store.recorder().log(line(message));
    }
    let mut events = Events::open(&host, &format!("{uri}&tail=1"), None).await;
    host.store.recorder().log(LogLine { function: "other".parse().unwrap(), ..line("not asked for") });
    host.store.recorder().log(line("c"));
    let (name, seen, b) = events.next().await.unwrap();
    assert_eq!((name.as_str(), &b["message"], &b["id"]), ("line", &json!("b"), &json!(seen)));
    assert_eq!(events.message().await, "c");
    drop(events);

    host.store.recorder().log(line("d"));
    let mut again = Events::open(&host, &uri, Some(&seen)).await;
    assert_eq!([again.message().await, again.message().await], ["c", "d"]);
    host.store.recorder().log(line("e"));
    assert_eq!(again.message().await, "e");
    host.stop.cancel();
    assert!(again.next().await.is_none(), "a host that stops ends its streams");
}

#[tokio::test]
async fn a_host_is_followed_by_no_more_than_it_takes() {
    let host = Host::with(crate::Config { max_followers: 1, ..crate::Config::default() }).await;
    let first = Events::open(&host, &format!("{PROJECT}/logs/follow"), None).await;
    let second = host.get(&format!("{PROJECT}/logs/follow")).await;
    assert_eq!((second.problem(), second.header("retry-after")), ((429, "busy".into()), "1"));
    drop(first);
}

#[tokio::test]
async fn an_uploaded_artifact_is_listed_and_read_back_in_a_sandbox() {
    let host = Host::new().await;
    let page = "<script>alert(1)</script>";
    let made = host.send("POST", &format!("{PROJECT}/artifacts?name=page&kind=report"), "text/html", page).await;
    assert_eq!((made.status, &made.json()["size"]), (201, &json!(page.len())));
    let digest = made.json()["digest"].as_str().unwrap().to_owned();
    let listed = host.get(&format!("{PROJECT}/artifacts?kind=report&name=page")).await.json();
    assert_eq!(listed["items"][0]["digest"], digest);
    assert_eq!(host.get(&format!("{PROJECT}/artifacts/{digest}")).await.json()["media_type"], "text/html");
    let content = host.get(&format!("{PROJECT}/artifacts/{digest}/content")).await;
    assert_eq!((&content.body[..], content.header("content-type")), (page.as_bytes(), "text/html"));
    assert!(content.header("content-security-policy").starts_with("sandbox"));
    assert_eq!(content.header("x-content-type-options"), "nosniff");

    let unknown = host_core::Digest::of(b"unknown");
    assert_eq!(host.get(&format!("{PROJECT}/artifacts/{unknown}/content")).await.problem().0, 404);
    assert_eq!(host.send("POST", &format!("{PROJECT}/artifacts?name="), "", "x").await.problem().0, 422);
    assert_eq!(host.send("POST", &format!("{PROJECT}/artifacts"), "", "x").await.problem().0, 400);
}

#[tokio::test]
async fn a_followed_run_ends_with_its_run() {
    let host = Host::new().await;
    host.deploy("train", b"job").await;
    let run = host.post(&format!("{PROJECT}/runs"), json!({ "function": "train" })).await.json();
    let id = run["id"].as_str().unwrap();
    let mut events = Events::open(&host, &format!("{PROJECT}/runs/{id}/events"), None).await;
    let (name, _, step) = events.next().await.unwrap();
    assert_eq!((name.as_str(), &step["step"], &step["state"]), ("step", &json!("train"), &json!("ready")));
    assert_eq!(events.next().await.unwrap().2["state"], "running");
    let mut logs = Events::open(&host, &format!("{PROJECT}/logs/follow?run={id}"), None).await;
    host.post(&format!("{PROJECT}/runs/{id}/cancel"), json!({})).await;
    let mut names = Vec::new();
    while let Some((name, _, _)) = events.next().await {
        names.push(name);
    }
    assert_eq!(names, ["step", "run", "end"]);
    assert_eq!(logs.next().await.unwrap().0, "end");
}
