//! `notify` against a webhook that listens, is busy, or is gone.

use std::{
    io::Write as _,
    process::Stdio,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

use super::Library;
use crate::support::{Host, command, until};

type Heard = Arc<Mutex<Vec<Value>>>;

/// A webhook of the test's own; it ends with its runtime.
struct Webhook {
    url: String,
    heard: Heard,
    _runtime: Runtime,
}

impl Webhook {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Heard::default();
        let routes = Router::new()
            .route("/services/good", post(hear))
            .route("/services/busy", post(|| async { (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")]) }))
            .with_state(heard.clone());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Self { url, heard, _runtime: runtime }
    }

    fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().clone()
    }
}

async fn hear(State(heard): State<Heard>, body: String) -> impl IntoResponse {
    heard.lock().unwrap().push(serde_json::from_str(&body).unwrap());
    "ok"
}

/// The function, which may reach the webhook and has its address as a secret.
fn deployed(webhook: &Webhook) -> Library {
    let library = Library::on(Host::start(), &[]);
    let granted = format!("{{ url = \"{}/services\", private = true }}", webhook.url);
    Library::deploy_changed(&library.host, "notify", |manifest| {
        manifest.replace("\"POST https://hooks.slack.com/services\"", &granted)
    });
    library
}

fn set(library: &Library, address: &str) {
    let mut child = command(&["secrets", "set", "notify-webhook"])
        .env("WEFT_HOST", library.host.url(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(address.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_message_is_posted_as_slack_takes_it() {
    let webhook = Webhook::start();
    let library = deployed(&webhook);
    set(&library, &format!("{}/services/good", webhook.url));
    let params = json!({ "title": "Trained", "text": "a < b", "facts": { "accuracy": 0.93 } });
    assert_eq!(library.run("notify", &[], params).result("status").as_u64(), Some(200));
    let message = &webhook.heard()[0];
    assert_eq!(message["text"], "Trained\na &lt; b");
    assert_eq!(message["blocks"][2]["fields"][0]["text"], "*accuracy*\n0.93");
    let (status, answer) = library.host.question("/fn/notify", &json!({ "text": "over HTTP" }));
    assert_eq!((status, &answer["status"]), (200, &json!(200)));
    assert_eq!(webhook.heard()[1]["text"], "over HTTP");
}

#[test]
fn what_happens_on_the_platform_is_told() {
    let webhook = Webhook::start();
    let library = deployed(&webhook);
    set(&library, &format!("{}/services/good", webhook.url));
    library.host.deploy_job("job");
    assert_eq!(library.try_run("job", &[], json!({ "do": "trap", "text": "oh" })).ran.state(), "failed");
    let told = until("the failure is told", || webhook.heard().first().cloned());
    assert!(told["text"].as_str().unwrap().starts_with("Run of `job` failed"), "{told}");
}

#[test]
fn a_webhook_that_is_busy_is_asked_again_and_one_that_is_gone_is_not() {
    let webhook = Webhook::start();
    let library = deployed(&webhook);
    let asked = json!({ "text": "hi" });
    set(&library, &format!("{}/services/busy", webhook.url));
    let (status, problem) = library.host.question("/fn/notify", &asked);
    assert_eq!((status, problem["type"].as_str()), (503, Some("urn:weft:problem:webhook-busy")), "{problem}");
    set(&library, &format!("{}/services/gone", webhook.url));
    let (status, problem) = library.host.question("/fn/notify", &asked);
    assert_eq!((status, problem["type"].as_str()), (500, Some("urn:weft:problem:webhook-refused")), "{problem}");
    assert!(!problem.to_string().contains("services"), "the address is a secret: {problem}");
    set(&library, "http://192.0.2.1/services/x");
    assert_eq!(library.refused("notify", &[], asked), "http-denied");
}
