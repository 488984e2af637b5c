//! Which function answers: by name, by host, path and method; and which pages may ask.

use super::site;
use crate::support::{Host, raw::Answer};

/// The lines that the guest saw: method, path, query, header fields.
fn seen(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text().lines().map(str::to_owned).collect()
}

#[test]
fn a_function_sees_the_path_behind_its_name() {
    let host = site("");
    let lines = seen(&host.ask("PUT", "/fn/site/a/b%20c/describe?q=1&r=%2F", &[("x-mine", "yes")], b"body"));
    assert_eq!(lines[..3], ["PUT", "/a/b%20c/describe", "q=1&r=%2F"]);
    assert!(lines.contains(&"x-mine: yes".to_owned()), "{lines:?}");
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        assert_eq!(seen(&host.ask(method, "/fn/site/describe", &[], b""))[0], method);
    }
    let head = host.ask("HEAD", "/fn/site/hello", &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    let answer = host.ask("GET", "/fn/site/hello", &[], b"");
    assert_eq!(answer.field("x-weft-revision"), Some("site@1"));
    assert_eq!(answer.field("x-weft-call-id").map(str::len), Some(36));
    assert_eq!(host.ask("GET", "/fn/site", &[], b"").text(), "no such route", "the function's own 404");
}

#[test]
fn what_nobody_answers_is_not_found() {
    let host = site("");
    for path in ["/fn/nobody", "/fn/nobody/hello", "/fn/", "/fn/SITE/hello", "/nowhere", "/", "/fn/other:site/hello"] {
        let answer = host.ask("GET", path, &[], b"");
        assert_eq!((answer.status, answer.problem()), (404, "not-found".to_owned()), "{path}");
    }
}

const ROUTES: &str = r#"
[[triggers]]
kind = "http"
path = "/wine/{id}/describe"
methods = ["GET", "PUT"]

[[triggers]]
kind = "http"
path = "/cellar/{*rest}"

[[triggers]]
kind = "http"
host = "wine.example"
path = "/describe"
methods = ["GET"]
"#;

#[test]
fn a_manifest_routes_paths_and_hosts_to_its_function() {
    let host = site(ROUTES);
    let lines = seen(&host.ask("GET", "/wine/7/describe?q=1", &[], b""));
    assert_eq!(lines[..3], ["GET", "/wine/7/describe", "q=1"], "a route shows the whole path");
    assert_eq!(seen(&host.ask("GET", "/cellar/a/b/describe", &[], b""))[1], "/cellar/a/b/describe");
    assert_eq!(host.ask("GET", "/wine/7/8/describe", &[], b"").status, 404);

    assert_eq!(host.ask("GET", "/describe", &[], b"").status, 404);
    let of_host = |name: &str| host.ask("GET", "/describe", &[("host", name)], b"").status;
    assert_eq!([of_host("wine.example"), of_host("WINE.example:8080"), of_host("beer.example")], [200, 200, 404]);
}

#[test]
fn a_route_names_the_methods_it_takes() {
    let host = site(ROUTES);
    assert_eq!(host.ask("PUT", "/wine/7/describe", &[], b"x").status, 200);
    assert_eq!(host.ask("HEAD", "/wine/7/describe", &[], b"").status, 200, "a path that answers GET answers HEAD");
    let answer = host.ask("DELETE", "/wine/7/describe", &[], b"");
    assert_eq!((answer.status, answer.problem()), (405, "method-not-allowed".to_owned()));
    assert_eq!(answer.field("allow"), Some("GET, HEAD, PUT"));
}

#[test]
fn functions_share_a_path_by_method_and_no_two_have_the_same() {
    let host = Host::start();
    let trigger =
        |method: &str| format!("[[triggers]]\nkind = \"http\"\npath = \"/shared\"\nmethods = [\"{method}\"]\n");
    host.deploy("reader", "conformance_http.wasm", &trigger("GET"));
    host.deploy("writer", "conformance_http.wasm", &trigger("POST"));
    let answered = |method: &str| host.ask(method, "/shared", &[], b"").field("x-weft-revision").map(str::to_owned);
    assert_eq!([answered("GET"), answered("POST")], [Some("reader@1".into()), Some("writer@1".into())]);

    let folder = host.function("thief", "conformance_http.wasm", &trigger("GET"));
    let (code, error) = host.fails(&["deploy", folder.to_str().unwrap()]);
    assert_eq!(code, 4);
    assert!(error.contains("belongs to function `reader` already"), "{error}");
    host.json(&["delete", "reader"]);
    host.json(&["deploy", folder.to_str().unwrap()]);
    assert_eq!(answered("GET"), Some("thief@1".into()));
}

#[test]
fn pages_of_the_origins_in_the_manifest_may_ask() {
    let trigger = "[[triggers]]\nkind = \"http\"\npath = \"/shared/hello\"\nmethods = [\"POST\"]\n";
    let cors = "[triggers.cors]\norigins = [\"https://app.example\"]\nheaders = [\"content-type\"]\nmax_age_s = 600\n";
    let host = site(&format!("{trigger}{cors}"));
    let preflight = |origin: &str| {
        let fields = [("origin", origin), ("access-control-request-method", "POST")];
        host.ask("OPTIONS", "/shared/hello", &fields, b"")
    };
    let answer = preflight("https://app.example");
    assert_eq!(answer.status, 204);
    let field = |name: &str| answer.field(&format!("access-control-{name}")).unwrap_or_default().to_owned();
    assert_eq!([field("allow-origin"), field("allow-methods")], ["https://app.example", "POST"]);
    assert_eq!([field("allow-headers"), field("max-age")], ["content-type", "600"]);
    let other = preflight("https://evil.example");
    assert_eq!((other.status, other.problem()), (403, "other-origin".to_owned()));
    assert_eq!(other.field("access-control-allow-origin"), None);

    let post = |origin: &str| host.ask("POST", "/shared/hello", &[("origin", origin)], b"x");
    assert_eq!(post("https://app.example").field("access-control-allow-origin"), Some("https://app.example"));
    let other = post("https://evil.example");
    assert_eq!((other.status, other.field("access-control-allow-origin")), (200, None));
    assert_eq!(other.field("vary"), Some("origin"), "no cache may give one origin's answer to another");
}

#[test]
fn a_job_takes_runs_and_no_requests() {
    let host = Host::start();
    host.deploy("train", "conformance-command.wasm", "");
    let answer = host.ask("POST", "/fn/train", &[], b"{}");
    assert_eq!((answer.status, answer.problem()), (405, "wrong-entry".to_owned()));
    assert!(answer.text().contains("start it with `fn run`"), "{}", answer.text());
}

#[test]
fn a_function_reaches_no_network() {
    let host = site("");
    let authority = host.url("");
    let path = format!("/fn/site/outgoing?authority={}&path=/healthz", authority.trim_start_matches("http://"));
    assert_eq!(host.get(&path), (200, "error: ErrorCode::HttpRequestDenied".to_owned()));
}
