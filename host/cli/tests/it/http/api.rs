//! The control plane and the inference protocol as any HTTP client meets them.

use std::collections::HashSet;

use serde_json::json;

use super::site;
use crate::support::Host;

/// A request as method, path, header fields and body; the status and code of its refusal.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, u16, &'a str);

#[test]
fn every_refusal_is_a_problem_with_a_code() {
    let host = site("");
    let json = [("content-type", "application/json")];
    let functions = "/api/v1/projects/default/functions";
    let deploy = format!("{functions}/site/revisions");
    let (missing, digest) = (format!("{functions}/nope"), format!("sha256:{}", "0".repeat(64)));
    let absent = json!({ "component": digest, "manifest": { "name": "site" } }).to_string();
    let other = json!({ "component": digest, "manifest": { "name": "other" } }).to_string();
    let wrong = json!({ "component": digest, "manifest": "name = \"site\"\n[limits]\nx = 1\n" }).to_string();
    let cases: &[Case<'_>] = &[
        ("GET", "/api/v1/nope", &[], "", 404, "not-found"),
        ("GET", "/api", &[], "", 404, "not-found"),
        ("GET", &missing, &[], "", 404, "not-found"),
        ("DELETE", "/api/v1/projects", &[], "", 405, "method-not-allowed"),
        ("GET", "/api/v1/projects/NO/functions", &[], "", 400, "invalid-path"),
        ("GET", "/api/v1/projects/default/calls?limit=many", &[], "", 400, "invalid-query"),
        ("GET", "/api/v1/projects/default/calls?colour=red", &[], "", 400, "invalid-query"),
        ("GET", "/api/v1/projects/default/calls?after=zzz", &[], "", 400, "invalid-cursor"),
        ("GET", "/api/v1/projects/default/calls/zzz", &[], "", 400, "invalid-path"),
        ("POST", &deploy, &json, "{", 400, "bad-json"),
        ("POST", &deploy, &[], "{}", 415, "not-json"),
        ("POST", &deploy, &json, "{}", 422, "invalid-body"),
        ("POST", &deploy, &json, &absent, 422, "missing-component"),
        ("POST", &deploy, &json, &other, 422, "other-name"),
        ("POST", &deploy, &json, &wrong, 422, "invalid-manifest"),
        ("PUT", &format!("/api/v1/components/{digest}"), &[], "not those bytes", 422, "other-digest"),
        ("POST", &format!("{functions}/site/rollback"), &json, "{}", 409, "no-earlier-revision"),
    ];
    for (method, path, fields, body, status, code) in cases {
        let answer = host.ask(method, path, fields, body.as_bytes());
        assert_eq!((answer.status, answer.problem().as_str()), (*status, *code), "{method} {path}: {}", answer.text());
    }
    let answer = host.ask("POST", &deploy, &json, wrong.as_bytes()).json();
    assert_eq!(answer["place"], "function.toml:3:1");
}

#[test]
fn pages_of_a_growing_list_neither_repeat_nor_leave_out() {
    let host = site("");
    for _ in 0..7 {
        host.get("/fn/site/hello");
    }
    host.calls("", 7);
    let (mut ids, mut sizes, mut after) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = host.get_json(&format!("/api/v1/projects/default/calls?limit=3{after}"));
        let items = page["items"].as_array().unwrap();
        sizes.push(items.len());
        ids.extend(items.iter().map(|it| it["id"].as_str().unwrap().to_owned()));
        // Newer calls come before the first page and change none of those that follow.
        host.get("/fn/site/hello");
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 7);
    assert!(ids.is_sorted_by(|a, b| a > b), "newest first: {ids:?}");
    host.calls("", 10);
}

#[test]
fn the_api_describes_itself() {
    let host = Host::start();
    let api = host.get_json("/api/v1/openapi.json");
    assert_eq!(api["openapi"], "3.1.0");
    let kept = crate::support::root().join("host/api/openapi.json");
    let kept: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(kept).unwrap()).unwrap();
    assert_eq!(api, kept);
}

#[test]
fn pages_of_other_sites_may_not_use_the_control_plane() {
    let host = site("");
    let projects = |name: &str, value: &str| {
        let answer = host.ask("GET", "/api/v1/projects", &[(name, value)], b"");
        (answer.status, if answer.status == 200 { String::new() } else { answer.problem() })
    };
    assert_eq!(projects("origin", "http://evil.example"), (403, "other-origin".to_owned()));
    assert_eq!(projects("host", "evil.example"), (403, "unknown-host".to_owned()));
    assert_eq!(projects("host", "127.0.0.1:7070").0, 200);
    assert_eq!(projects("origin", "http://localhost").0, 200);
    let answer = host.ask("GET", "/fn/site/hello", &[("host", "shop.example"), ("origin", "http://a.example")], b"");
    assert_eq!(answer.status, 200, "functions answer under any name");
}

#[test]
fn the_inference_protocol_answers_without_a_model() {
    let host = Host::start();
    assert_eq!(host.get_json("/v2")["name"], "weft");
    assert_eq!(host.get("/v2/health/live"), (200, r#"{"live":true}"#.to_owned()));
    assert_eq!(host.get("/v2/health/ready"), (200, r#"{"ready":true}"#.to_owned()));
    let refused = |method: &str, path: &str, body: &str| {
        let answer = host.ask(method, path, &[], body.as_bytes());
        assert_eq!(answer.field("content-type"), Some("application/json"), "{path}");
        (answer.status, answer.json()["error"].as_str().unwrap().to_owned())
    };
    let unknown = "model `wine` is not registered".to_owned();
    assert_eq!(refused("GET", "/v2/models/wine", ""), (404, unknown.clone()));
    assert_eq!(refused("GET", "/v2/models/wine/ready", ""), (404, unknown.clone()));
    assert_eq!(refused("POST", "/v2/models/wine/infer", r#"{"inputs":[]}"#), (404, unknown));
    let (status, error) = refused("POST", "/v2/models/wine/infer", "{");
    assert_eq!(status, 400);
    assert!(error.contains("not an inference request") && error.contains("line 1"), "{error}");
    assert_eq!(refused("DELETE", "/v2/models/wine", "").0, 405);
    assert_eq!(refused("GET", "/v2/nope", "").0, 404);
}
