//! `http-fetch` against a server that changes, is busy, is too generous, and sends elsewhere.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect},
    routing::get,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

use super::Library;
use crate::support::Host;

/// A server of the test's own; it ends with its runtime.
struct Server {
    url: String,
    asked: Arc<AtomicU32>,
    _runtime: Runtime,
}

impl Server {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicU32::new(0));
        let routes = Router::new()
            .route("/data", get(data))
            .route("/busy", get(busy))
            .route("/large", get(|| async { "x".repeat(100_000) }))
            .route("/moved", get(|| async { Redirect::temporary("/data") }))
            .route("/away", get(|| async { Redirect::temporary("http://198.51.100.7/") }))
            .with_state(asked.clone());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Self { url, asked, _runtime: runtime }
    }

    fn at(&self, path: &str) -> Value {
        json!(format!("{}{path}", self.url))
    }
}

async fn data(headers: HeaderMap) -> impl IntoResponse {
    let tag = [(header::ETAG, "\"v1\""), (header::CONTENT_TYPE, "text/csv")];
    match headers.get(header::IF_NONE_MATCH) {
        Some(known) if known == "\"v1\"" => (StatusCode::NOT_MODIFIED, tag, String::new()),
        _ => (StatusCode::OK, tag, "city,x\nZürich,1\n".to_owned()),
    }
}

/// Has no time twice, then has.
async fn busy(State(asked): State<Arc<AtomicU32>>) -> impl IntoResponse {
    match asked.fetch_add(1, SeqCst) {
        0 => (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")], ""),
        1 => (StatusCode::BAD_GATEWAY, [("x-more", "")], ""),
        _ => (StatusCode::OK, [("x-more", "")], "at last"),
    }
}

/// The function, which may reach the server.
fn deployed(server: &Server) -> Library {
    let library = Library::on(Host::start(), &[]);
    Library::deploy_changed(&library.host, "http-fetch", |manifest| {
        format!("{manifest}\n[grants]\nhttp = [{{ url = \"{}\", private = true }}]\n", server.url)
    });
    library
}

#[test]
fn what_has_not_changed_is_not_fetched_again() {
    let server = Server::start();
    let library = deployed(&server);
    let params = json!({ "url": server.at("/data"), "sha256": "" });
    let first = library.run("http-fetch", &[], params.clone());
    assert_eq!(first.text("data"), "city,x\nZürich,1\n");
    let report = first.json("report");
    assert_eq!(
        (&report["status"], &report["modified"], &report["etag"]),
        (&json!(200), &json!(true), &json!("\"v1\""))
    );
    let before = [("previous", first.digest("report")), ("data", first.digest("data"))];
    let second = library.run("http-fetch", &before, params);
    assert_eq!((second.result("status"), second.result("modified")), (&json!(304), &json!(false)));
    assert_eq!(second.digest("data"), first.digest("data"));
    assert_eq!(second.json("report")["etag"], "\"v1\"");
}

#[test]
fn a_busy_server_is_waited_for() {
    let server = Server::start();
    let library = deployed(&server);
    let params = json!({ "url": server.at("/busy"), "backoff_ms": 1, "attempts": 3, "longest_wait_s": 0 });
    let answer = library.run("http-fetch", &[], params);
    assert_eq!((answer.text("data").as_str(), answer.metric("attempts")), ("at last", 3.0));
    server.asked.store(0, SeqCst);
    let params = json!({ "url": server.at("/busy"), "backoff_ms": 1, "attempts": 2, "longest_wait_s": 0 });
    assert_eq!(library.refused("http-fetch", &[], params), "http-status");
    assert_eq!(server.asked.load(SeqCst), 2);
}

#[test]
fn redirects_bounds_and_digests_are_kept_to() {
    let server = Server::start();
    let library = deployed(&server);
    let moved = library.run("http-fetch", &[], json!({ "url": server.at("/moved") })).json("report");
    assert_eq!((&moved["final_url"], &moved["redirects"]), (&server.at("/data"), &json!(1)));
    let refused = |path: &str, more: Value| {
        let mut params = json!({ "url": server.at(path) });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        library.refused("http-fetch", &[], params)
    };
    assert_eq!(refused("/moved", json!({ "redirects": 0 })), "too-many-redirects");
    assert_eq!(refused("/away", json!({})), "not-granted");
    assert_eq!(refused("/nowhere", json!({})), "http-status");
    assert_eq!(refused("/large", json!({ "most_bytes": 99_999 })), "too-large");
    assert_eq!(refused("/data", json!({ "sha256": "0".repeat(64) })), "wrong-digest");
    let json = library.run("http-fetch", &[], json!({ "url": server.at("/large") }));
    assert_eq!(json.metric("bytes"), 100_000.0);
}
