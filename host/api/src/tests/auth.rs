//! Who may do what: tokens, roles, projects, and what a refusal says.

use axum::{body::Body, extract::ConnectInfo};
use host_core::identity::{Access, Demand};
use http::Request;
use serde_json::{Value, json};

use super::host::{Answer, Host};
use crate::Config;

const TOKENS: &str = "/api/v1/tokens";
const FUNCTIONS: &str = "/api/v1/projects/default/functions";

async fn strict() -> Host {
    Host::reached(Access { demand: Demand::Tokens, ..Access::default() }, Config::default()).await
}

/// A token that the store made, as `fn tokens create --local` does.
async fn token(host: &Host, name: &str, role: &str, project: Option<&str>) -> String {
    let new = host_store::NewToken {
        name: name.parse().unwrap(),
        role: role.parse().unwrap(),
        project: project.map(|it| it.parse().unwrap()),
        expires_at: None,
    };
    host.store.create_token(new, 100, "local").await.unwrap().text
}

async fn ask(host: &Host, method: &str, uri: &str, token: Option<&str>, body: Option<Value>) -> Answer {
    let mut request = Request::builder().method(method).uri(uri).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = body.map_or_else(Body::empty, |it| it.to_string().into());
    host.ask(request.body(body).unwrap()).await
}

#[tokio::test]
async fn without_a_token_only_health_answers() {
    let host = strict().await;
    for uri in ["/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"] {
        assert_eq!(ask(&host, "GET", uri, None, None).await.status, 200, "{uri}");
    }
    for uri in [FUNCTIONS, "/api/v1/projects", "/api/v1/openapi.json", "/api/v1/nothing", "/api", TOKENS] {
        let answer = ask(&host, "GET", uri, None, None).await;
        assert_eq!(answer.problem(), (401, "no-token".into()), "{uri}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"weft\"");
    }
    for uri in ["/v2", "/v2/models/wine", "/v2/nothing"] {
        let answer = ask(&host, "GET", uri, None, None).await;
        assert_eq!((answer.status, answer.json()["error"].is_string()), (401, true), "{uri}");
    }
}

#[tokio::test]
async fn a_refusal_says_which_role_is_needed_and_never_repeats_the_token() {
    let host = strict().await;
    let viewer = token(&host, "ann", "viewer", None).await;
    assert_eq!(ask(&host, "GET", FUNCTIONS, Some(&viewer), None).await.status, 200);
    let denied = ask(&host, "DELETE", &format!("{FUNCTIONS}/hello"), Some(&viewer), None).await;
    assert_eq!(denied.problem(), (403, "role".into()));
    assert_eq!(denied.json()["detail"], "this needs the role operator; `ann` has the role viewer");
    let wrong = format!("{}x", &viewer[..viewer.len() - 1]);
    for wrong in [wrong.as_str(), "x", "weft_0_0"] {
        let answer = ask(&host, "GET", FUNCTIONS, Some(wrong), None).await;
        assert_eq!(answer.problem(), (401, "bad-token".into()));
        assert!(answer.header("www-authenticate").contains("invalid_token"));
        assert!(wrong.len() < 5 || !String::from_utf8_lossy(&answer.body).contains(wrong));
    }
}

#[tokio::test]
async fn a_token_for_one_project_does_not_reach_the_others_nor_the_host() {
    let host = strict().await;
    let wine = token(&host, "wine-admin", "admin", Some("wine")).await;
    let own = ask(&host, "GET", "/api/v1/projects/wine/functions", Some(&wine), None).await;
    assert_eq!(own.status, 200);
    for uri in [
        FUNCTIONS,
        "/api/v1/projects/none/functions",
        "/api/v1/projects/%77ine/functions",
        "/api/v1/config",
        "/api/v1/audit",
    ] {
        let answer = ask(&host, "GET", uri, Some(&wine), None).await;
        assert_eq!(answer.problem(), (403, "other-project".into()), "{uri}");
    }
    assert_eq!(ask(&host, "GET", "/v2/models/wine", Some(&wine), None).await.status, 403);
    assert_eq!(ask(&host, "GET", "/api/v1/projects", Some(&wine), None).await.json(), json!({ "items": [] }));
    // Tokens that it makes are for its project, whether or not it says so; it sees those and no others.
    let made = ask(&host, "POST", TOKENS, Some(&wine), Some(json!({ "name": "ci", "role": "viewer" }))).await;
    assert_eq!((made.status, made.json()["project"].as_str()), (201, Some("wine")));
    let other = json!({ "name": "x", "role": "viewer", "project": "default" });
    assert_eq!(ask(&host, "POST", TOKENS, Some(&wine), Some(other)).await.problem(), (403, "other-project".into()));
    token(&host, "root", "admin", None).await;
    let listed = ask(&host, "GET", TOKENS, Some(&wine), None).await.json();
    let names: Vec<&str> = listed["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ci", "wine-admin"]);
    assert_eq!(ask(&host, "DELETE", "/api/v1/tokens/root", Some(&wine), None).await.status, 404);
}

#[tokio::test]
async fn a_token_is_shown_once_and_works_until_it_is_revoked() {
    let host = Host::new().await;
    let body = json!({ "name": "ci", "role": "developer", "expires_in": "30d" });
    let made = ask(&host, "POST", TOKENS, None, Some(body.clone())).await;
    assert_eq!((made.status, made.header("cache-control")), (201, "no-store"));
    let (made, text) = (made.json(), made.json()["token"].as_str().unwrap().to_owned());
    assert!(text.starts_with(&format!("weft_{}_", made["id"].as_str().unwrap())));
    assert!(made["expires_at"].is_string() && made["created_by"] == "local");
    let listed = ask(&host, "GET", TOKENS, None, None).await;
    assert!(!String::from_utf8_lossy(&listed.body).contains(text.splitn(3, '_').nth(2).unwrap()));
    assert_eq!(ask(&host, "POST", TOKENS, None, Some(body)).await.problem(), (409, "taken".into()));

    // On a host that demands nothing, who shows a token is taken for its bearer, and no more.
    let who = ask(&host, "GET", "/api/v1/principal", Some(&text), None).await.json();
    assert_eq!((who["name"].as_str(), who["role"].as_str()), (Some("ci"), Some("developer")));
    assert_eq!(ask(&host, "GET", "/api/v1/config", Some(&text), None).await.problem(), (403, "role".into()));
    assert_eq!(ask(&host, "GET", "/api/v1/principal", None, None).await.json()["role"], "admin");
    assert_eq!(ask(&host, "DELETE", "/api/v1/tokens/ci", None, None).await.json()["revoked_by"], "local");
    assert_eq!(ask(&host, "GET", "/api/v1/principal", Some(&text), None).await.problem(), (401, "bad-token".into()));
    let again = ask(&host, "DELETE", "/api/v1/tokens/ci", None, None).await;
    assert_eq!(again.problem(), (404, "not-found".into()));
}

#[tokio::test]
async fn tokens_that_cannot_be_are_refused() {
    let host = Host::new().await;
    for body in [
        json!({ "name": "CI", "role": "viewer" }),
        json!({ "name": "ci", "role": "root" }),
        json!({ "name": "ci", "role": "viewer", "expires_in": "soon" }),
        json!({ "name": "ci", "role": "viewer", "expires_in": "0s" }),
        json!({ "name": "ci", "role": "viewer", "expires_in": "99999999d" }),
        json!({ "name": "ci", "role": "viewer", "rights": [] }),
    ] {
        let answer = ask(&host, "POST", TOKENS, None, Some(body.clone())).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.json());
    }
}

#[tokio::test]
async fn a_pipeline_that_promotes_needs_whoever_may_promote() {
    let host = strict().await;
    let (developer, operator) =
        (token(&host, "dev", "developer", None).await, token(&host, "op", "operator", None).await);
    let body = |steps: &str| json!({ "pipeline": format!("pipeline: p\nsteps:\n{steps}") });
    let moves = body("  go: { promote-model: { model: wine, version: 1, alias: production } }\n");
    let uri = "/api/v1/projects/default/runs";
    let denied = ask(&host, "POST", uri, Some(&developer), Some(moves.clone())).await;
    assert_eq!(denied.problem(), (403, "role".into()), "{}", denied.json());
    assert_ne!(ask(&host, "POST", uri, Some(&operator), Some(moves)).await.status, 403);
    assert_eq!(ask(&host, "POST", uri, Some(&developer), Some(body("  go: { function: f }\n"))).await.status, 422);
}

#[tokio::test]
async fn an_address_that_shows_nonsense_is_told_to_wait_but_a_good_token_passes() {
    let config = Config { max_failures: 2, ..Config::default() };
    let host = Host::reached(Access { demand: Demand::Tokens, ..Access::default() }, config).await;
    let good = token(&host, "ann", "viewer", None).await;
    let from = |address: &'static str, token: String| {
        let address: std::net::SocketAddr = address.parse().unwrap();
        let request = Request::builder().uri(FUNCTIONS).header("authorization", format!("Bearer {token}"));
        host.ask(request.extension(ConnectInfo(address)).body(Body::empty()).unwrap())
    };
    for expected in [401, 401, 429, 429] {
        assert_eq!(from("10.0.0.1:1", "nonsense".into()).await.status, expected);
    }
    assert!(from("10.0.0.1:2", "nonsense".into()).await.header("retry-after").parse::<u32>().unwrap() <= 61);
    assert_eq!(from("10.0.0.2:1", "nonsense".into()).await.status, 401);
    assert_eq!(from("10.0.0.1:3", good).await.status, 200);
}

#[tokio::test]
async fn changes_are_put_down_to_the_token_and_where_it_came_from() {
    let host = strict().await;
    let developer = token(&host, "dev", "developer", None).await;
    let component = host_core::Digest::of(b"one").to_string();
    let address: std::net::SocketAddr = "10.0.0.7:4711".parse().unwrap();
    let send = |method: &str, uri: String, body: Vec<u8>| {
        let request = Request::builder().method(method).uri(uri).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {developer}")).extension(ConnectInfo(address));
        host.ask(request.body(body.into()).unwrap())
    };
    assert_eq!(send("PUT", format!("/api/v1/components/{component}"), b"one".to_vec()).await.status, 201);
    let deploy = json!({ "component": component, "manifest": { "name": "hello" } }).to_string();
    assert_eq!(send("POST", format!("{FUNCTIONS}/hello/revisions"), deploy.into()).await.status, 201);
    let audit = ask(&host, "GET", "/api/v1/projects/default/audit", Some(&developer), None).await.json();
    let newest = &audit["items"][0];
    assert_eq!((newest["action"].as_str(), newest["who"].as_str()), (Some("function.activated"), Some("dev")));
    assert_eq!(newest["from"], "10.0.0.7");
    assert!(developer.contains(newest["token"].as_str().unwrap()));
}
