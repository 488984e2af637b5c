//! How a host may be reached: off loopback only with TLS or behind a proxy, and only once somebody could administer it.

use serde_json::{Value, json};

use super::{create, create_locally, installation, strict};
use crate::support::{Host, Options, command};

fn refused(data: &std::path::Path, args: &[&str]) -> (i32, String) {
    let place = ["up", "--data", data.to_str().unwrap()];
    let output = command(&[&place, args].concat()).current_dir(data).output().unwrap();
    assert!(output.stdout.is_empty(), "it started");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn off_loopback_a_host_wants_tls_and_a_token_of_an_admin() {
    let data = tempfile::tempdir().unwrap();
    let (code, error) = refused(data.path(), &["--listen", "0.0.0.0:0"]);
    assert!(code == 4 && error.contains("tokens would travel in the clear") && error.contains("--tls-cert"), "{error}");
    for args in [&["--listen", "0.0.0.0:0", "--behind-proxy"][..], &["--listen", "127.0.0.1:0", "--behind-proxy"]] {
        let (code, error) = refused(data.path(), args);
        assert!(code == 4 && error.contains("fn tokens create NAME --role admin --local --data"), "{error}");
    }
    let (code, error) = refused(data.path(), &["--listen", "127.0.0.1:0", "--tls-cert", "a.pem"]);
    assert!(code == 2 && error.contains("--tls-key"), "{error}");
    let (code, error) = refused(data.path(), &["--tls-cert", "a.pem", "--tls-key", "b.pem"]);
    assert!(code == 1 && error.contains("could not read the certificate a.pem"), "{error}");
}

#[test]
fn behind_a_proxy_the_audit_names_whom_the_proxy_asked_for() {
    let (data, admin) = installation();
    let host = strict(&data, Options::default().env("WEFT_BEHIND_PROXY", "true"));
    let body = json!({ "name": "ci", "role": "viewer" }).to_string();
    let forwarded = [("x-forwarded-for", "6.6.6.6, 203.0.113.9")];
    assert_eq!(host.send_with("POST", "/api/v1/tokens", Some(&admin), &forwarded, body.as_bytes()).0, 201);
    let (_, audit) = host.send("GET", "/api/v1/audit", Some(&admin), b"");
    let audit: Value = serde_json::from_str(&audit).unwrap();
    assert_eq!((&audit["items"][0]["who"], &audit["items"][0]["from"]), (&json!("root"), &json!("203.0.113.9")));
}

#[test]
fn a_token_made_while_the_host_is_down_works_when_it_is_up() {
    let (data, admin) = installation();
    let mut host = strict(&data, Options::default());
    assert_eq!(host.send("GET", "/api/v1/principal", Some(&admin), b"").0, 200);
    assert_eq!(host.terminate().code(), Some(0));
    let viewer = create_locally(&data, &["eve", "--role", "viewer", "--for", "default"]);
    host.restart();
    let (status, principal) = host.send("GET", "/api/v1/principal", Some(&viewer), b"");
    let principal: Value = serde_json::from_str(&principal).unwrap();
    assert_eq!((status, &principal["name"], &principal["project"]), (200, &json!("eve"), &json!("default")));
    // The first use was written down when the host went away.
    let (_, tokens) = host.send("GET", "/api/v1/tokens", Some(&admin), b"");
    let tokens: Value = serde_json::from_str(&tokens).unwrap();
    let last_used = |name: &str| {
        let tokens = tokens["items"].as_array().unwrap();
        tokens.iter().find(|it| it["name"] == name).unwrap()["last_used_at"].clone()
    };
    assert!(last_used("root").is_string() && last_used("eve").is_null(), "{tokens}");
}

#[test]
fn on_loopback_nobody_needs_a_token_but_one_that_is_shown_counts() {
    let host = Host::start();
    let (_, principal) = host.send("GET", "/api/v1/principal", None, b"");
    let principal: Value = serde_json::from_str(&principal).unwrap();
    assert_eq!((&principal["name"], &principal["role"]), (&json!("local"), &json!("admin")));
    let (status, made) = host.send("POST", "/api/v1/tokens", None, br#"{"name":"eve","role":"viewer"}"#);
    assert_eq!(status, 201, "{made}");
    let viewer = serde_json::from_str::<Value>(&made).unwrap()["token"].as_str().unwrap().to_owned();
    assert_eq!(host.send("GET", "/api/v1/tokens", Some(&viewer), b"").0, 403);
    assert_eq!(host.send("GET", "/api/v1/tokens", Some("nonsense"), b"").0, 401);
    assert_eq!(host.send("GET", "/api/v1/tokens", None, b"").0, 200);
}

#[test]
fn a_host_told_to_demand_tokens_does_so_on_loopback() {
    let (data, admin) = installation();
    let host = strict(&data, Options::default());
    assert_eq!(host.get("/api/v1/projects").0, 401);
    assert_eq!(host.get("/readyz").0, 200);
    let viewer = create(&host, &admin, &json!({ "name": "eve", "role": "viewer" }));
    assert_eq!(host.send("GET", "/api/v1/projects", Some(&viewer), b"").0, 200);
}
