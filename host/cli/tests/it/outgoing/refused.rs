//! What a function may not send: it hears no, its log has the line to add, and nothing leaks.

use super::{Server, reached, site, told};
use crate::support::{Host, Options};

#[test]
fn a_refusal_says_which_line_to_add() {
    let server = Server::start();
    let host = Host::start();
    host.deploy("site", "conformance_http.wasm", "");
    let denied = "error: ErrorCode::HttpRequestDenied";
    assert_eq!(reached(&host, &server, "/hello", "&method=POST"), denied);
    let url = &server.url;
    let told = told(&host, 1);
    assert_eq!(told, [format!("POST {url} is not granted: add \"POST {url}\" to `http` under [grants]")]);
    assert_eq!(server.accepted(), 0);
}

#[test]
fn following_the_advice_leads_there() {
    let server = Server::start();
    let host = Host::start();
    let url = &server.url;
    host.deploy("site", "conformance_http.wasm", &format!("[grants]\nhttp = [\"GET {url}\"]\n"));
    assert_eq!(reached(&host, &server, "/hello", ""), "error: ErrorCode::HttpRequestDenied");
    let line = format!("{{ url = \"{url}\", private = true }}");
    let advice = format!("{url} is refused: 127.0.0.1 is a loopback address: add {line} to `http` under [grants]");
    assert_eq!(told(&host, 1), [advice]);
    host.deploy("site", "conformance_http.wasm", &format!("[grants]\nhttp = [{line}]\n"));
    assert_eq!(reached(&host, &server, "/hello", ""), "200 5");
}

#[test]
fn a_redirect_is_an_answer_and_its_target_another_request() {
    let (server, inner) = (Server::start(), Server::start());
    let host = site(&server, Options::default());
    let port = inner.authority().trim_start_matches("127.0.0.1:");
    assert_eq!(reached(&host, &server, &format!("/redirect/{port}"), ""), "302 0");
    assert_eq!(reached(&host, &inner, "/hello", ""), "error: ErrorCode::HttpRequestDenied");
    assert_eq!(inner.accepted(), 0);
}

#[test]
fn no_query_gets_into_log_or_record() {
    let server = Server::start();
    let host = site(&server, Options::default());
    let canary = "canary-5d1f";
    let elsewhere = format!("/fn/site/relay?authority=127.0.0.1:9&path=/a?token={canary}");
    assert_eq!(host.post(&elsewhere, "text/plain", b"x").0, 502);
    reached(&host, &server, &format!("/silent?token={canary}"), "&first=50");
    assert_eq!(told(&host, 2).len(), 2);
    let told = [host.json_lines(&["logs", "site"]), host.calls("function=site", 2)].concat();
    let text = serde_json::to_string(&told).unwrap();
    assert!(!text.contains(canary), "{text}");
}

#[test]
fn the_policy_is_the_same_where_functions_are_made() {
    let host = Host::start();
    let folder = host.function("site", "conformance_http.wasm", "");
    std::fs::create_dir_all(folder.join("cases")).unwrap();
    let case = r#"{ "request": { "method": "GET", "path": "/outgoing?authority=127.0.0.1:9" },
                    "response": { "status": 200, "body": "error: ErrorCode::HttpRequestDenied" } }"#;
    std::fs::write(folder.join("cases/denied.json"), case).unwrap();
    let output = host.run(&["test", folder.to_str().unwrap(), "--no-build"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
