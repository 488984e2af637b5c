//! What holds for every path: health, unknown paths, other methods, other sites, the description.

use axum::body::Body;
use http::Request;
use serde_json::json;

use super::host::Host;

#[tokio::test]
async fn health_and_readiness_are_told_apart() {
    let host = Host::new().await;
    assert_eq!(host.get("/healthz").await.json()["status"], "ok");
    assert_eq!(host.get("/readyz").await.status, 200);
    host.stop.cancel();
    assert_eq!((host.get("/healthz").await.status, host.get("/readyz").await.status), (200, 503));
    assert_eq!(host.get("/v2/health/ready").await.json(), json!({ "ready": false }));
    assert_eq!(host.get("/v2/health/live").await.json(), json!({ "live": true }));
}

#[tokio::test]
async fn unknown_paths_and_other_methods_are_problems() {
    let host = Host::new().await;
    for uri in ["/api", "/api/v1/nothing", "/api/v1/projects/default/nothing", "/api/v2"] {
        assert_eq!(host.get(uri).await.problem(), (404, "not-found".into()), "{uri}");
    }
    let other = host.send("PATCH", "/api/v1/projects/default/functions", "", "").await;
    assert_eq!(other.problem(), (405, "method-not-allowed".into()));
    assert_eq!(other.header("allow"), "GET,HEAD");
    for uri in ["/v2/nothing", "/v2/models/wine/nothing"] {
        let answer = host.get(uri).await;
        assert_eq!((answer.status, answer.json()["error"].is_string()), (404, true), "{uri}");
    }
    let infer = host.get("/v2/models/wine/infer").await;
    assert_eq!((infer.status, infer.json()["error"].is_string()), (405, true));
}

#[tokio::test]
async fn names_and_queries_that_cannot_be_are_refused_with_the_reason() {
    let host = Host::new().await;
    let name = host.get("/api/v1/projects/Default/functions").await;
    assert_eq!(name.problem(), (400, "invalid-path".into()));
    assert!(name.json()["detail"].as_str().unwrap().contains("`Default` is not a name"), "{}", name.json());
    let query = host.get("/api/v1/projects/default/calls?functon=x").await;
    assert_eq!(query.problem(), (400, "invalid-query".into()));
    assert!(query.json()["detail"].as_str().unwrap().contains("unknown field `functon`"), "{}", query.json());
    let runs = "/api/v1/projects/default/runs";
    assert_eq!(host.send("POST", runs, "application/json", "{").await.problem(), (400, "bad-json".into()));
    assert_eq!(host.send("POST", runs, "text/plain", "{}").await.problem(), (415, "not-json".into()));
    let large = format!("{{\"pipeline\": \"{}\"}}", "x".repeat(5 << 20));
    assert_eq!(host.send("POST", runs, "application/json", large).await.problem(), (413, "too-large".into()));
}

#[tokio::test]
async fn pages_of_other_sites_are_kept_out() {
    let host = Host::new().await;
    let ask = |name: &'static str, value: &'static str, origin: Option<&'static str>| {
        let mut request = Request::builder().uri("/api/v1/projects").header(name, value);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        host.ask(request.body(Body::empty()).unwrap())
    };
    assert_eq!(ask("host", "localhost:7070", None).await.status, 200);
    assert_eq!(ask("host", "localhost:7070", Some("http://localhost:7070")).await.status, 200);
    let foreign = ask("host", "localhost:7070", Some("https://evil.example")).await;
    assert_eq!(foreign.problem(), (403, "other-origin".into()));
    let rebound = ask("host", "evil.example", Some("http://evil.example")).await;
    assert_eq!(rebound.problem(), (403, "unknown-host".into()));
}

#[tokio::test]
async fn the_description_names_every_noun() {
    let host = Host::new().await;
    let api = host.get("/api/v1/openapi.json").await.json();
    assert_eq!(api["openapi"], "3.1.0");
    for path in ["/healthz", "/v2/models/{model}/infer", "/api/v1/projects/{project}/runs/{id}/events"] {
        assert!(api["paths"][path].is_object(), "{path}");
    }
    let schemas = api["components"]["schemas"].as_object().unwrap();
    for noun in ["Revision", "Call", "LogLine", "Run", "Step", "Artifact", "Version", "Endpoint", "Problem"] {
        assert!(schemas.contains_key(noun), "{noun}");
    }
}

#[tokio::test]
async fn projects_and_the_configuration_are_shown() {
    let host = Host::new().await;
    assert_eq!(host.get("/api/v1/projects").await.json(), json!({ "items": ["default"] }));
    assert_eq!(host.get("/api/v1/config").await.json(), json!({ "items": [] }));
}

#[tokio::test]
async fn a_bug_in_a_handler_is_a_problem_and_the_host_goes_on() {
    let host = Host::new().await;
    host.deploy("hello", b"one").await;
    *host.guest.act.lock() = Box::new(|_| panic!("a bug"));
    let invoke = "/api/v1/projects/default/functions/hello/invoke";
    assert_eq!(host.send("POST", invoke, "", "").await.problem(), (500, "internal".into()));
    assert_eq!(host.get("/readyz").await.status, 200);
}
