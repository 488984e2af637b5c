//! What is refused, and how: too large, too many, too slow, broken.

use super::{deploy_site, failed, site};
use crate::support::{Host, Options, until};

#[test]
fn a_body_larger_than_the_manifest_allows_is_refused() {
    let host = Host::start();
    let limits = "[limits]\nmax_body = \"64KiB\"\n";
    deploy_site(&host, limits);
    host.deploy("shout", "conformance_handler.wasm", &format!("{limits}[grants]\nmodel = [\"conformance\"]\n"));
    for path in ["/fn/site/upload", "/fn/shout"] {
        // Refused by its length alone: the body is never sent.
        let mut wire = host.begin("POST", path, &[("content-length", "65537")]);
        let head = wire.head().unwrap();
        let answer = wire.answer(head).unwrap();
        assert_eq!((answer.status, answer.problem()), (413, "too-large".to_owned()), "{path}");
        assert!(answer.text().contains("raise max_body under [limits]"), "{}", answer.text());

        // Without a length: refused when it is too much.
        let mut wire = host.begin("POST", path, &[("transfer-encoding", "chunked")]);
        for _ in 0..3 {
            wire.chunk([b'x'; 30_000]).unwrap();
        }
        let head = wire.head().unwrap();
        let answer = wire.answer(head).unwrap();
        assert_eq!((answer.status, answer.problem()), (413, "too-large".to_owned()), "{path}");
    }
    assert_eq!(host.ask("POST", "/fn/site/upload", &[], &[b'x'; 65_536]).text(), "65536", "just as much is taken");
}

#[test]
fn a_busy_function_says_when_to_come_back() {
    let host = Host::start_with(Options::default().env("WEFT_DISPATCH__MAX_WAITING", "0"));
    deploy_site(&host, "[limits]\nconcurrency = 1\n");
    host.deploy("other", "conformance_http.wasm", "");
    let mut first = host.begin("POST", "/fn/site/echo", &[("transfer-encoding", "chunked")]);
    first.chunk("in").unwrap();
    first.head().unwrap();

    let answer = host.ask("GET", "/fn/site/silent", &[], b"");
    assert_eq!((answer.status, answer.problem()), (429, "overloaded".to_owned()));
    assert_eq!(answer.field("retry-after"), Some("1"));
    assert!(answer.text().contains("function `site` is busy"), "{}", answer.text());
    assert_eq!(host.get("/fn/other/hello").0, 200, "other functions are not");

    first.chunk("").unwrap();
    until("the place is free again", || (host.get("/fn/site/hello").0 == 200).then_some(()));
}

#[test]
fn a_busy_host_says_that_it_is_the_host() {
    let env = Options::default().env("WEFT_DISPATCH__MAX_WAITING", "0").env("WEFT_DISPATCH__MAX_IN_FLIGHT", "1");
    let host = Host::start_with(env);
    deploy_site(&host, "");
    host.deploy("other", "conformance_http.wasm", "");
    let mut first = host.begin("POST", "/fn/site/echo", &[("transfer-encoding", "chunked")]);
    first.chunk("in").unwrap();
    first.head().unwrap();
    let answer = host.ask("GET", "/fn/other/hello", &[], b"");
    assert_eq!((answer.status, answer.field("retry-after")), (429, Some("1")));
    assert!(answer.text().contains("this host is busy"), "{}", answer.text());
}

#[test]
fn a_call_waits_a_while_for_its_place() {
    let host = Host::start_with(Options::default().env("WEFT_DISPATCH__MAX_WAIT", "60s"));
    deploy_site(&host, "[limits]\nconcurrency = 1\n");
    let mut first = host.begin("POST", "/fn/site/echo", &[("transfer-encoding", "chunked")]);
    first.chunk("in").unwrap();
    first.head().unwrap();
    let mut second = host.begin("GET", "/fn/site/hello", &[]);
    first.chunk("").unwrap();
    assert_eq!(second.head().unwrap().status, 200);
}

#[test]
fn a_call_past_its_deadline_is_answered_504() {
    let host = site("[limits]\ntimeout = \"300ms\"\n");
    for path in ["/fn/site/silent?ms=60000", "/fn/site/spin"] {
        let answer = host.ask("GET", path, &[], b"");
        assert_eq!((answer.status, answer.problem()), (504, "deadline".to_owned()), "{path}");
        assert!(answer.text().contains("limits.timeout gives it 0.3 s"), "{}", answer.text());
    }
}

#[test]
fn a_trap_is_answered_500_and_explained_in_its_record() {
    let host = site("");
    let answer = host.ask("GET", "/fn/site/trap", &[], b"");
    assert_eq!((answer.status, answer.problem()), (500, "trap".to_owned()));
    let problem = answer.json();
    assert_eq!(problem["call"].as_str(), answer.field("x-weft-call-id"));
    assert!(problem["detail"].as_str().unwrap().contains("asked to trap"), "{problem}");

    let call = failed(&host, "trap");
    assert_eq!(call["id"], problem["call"]);
    let backtrace = call["failure"]["backtrace"].as_str().unwrap();
    assert!(backtrace.contains("of site revision 1") && backtrace.contains("conformance_http::Server"), "{backtrace}");
    let lines = host.json_lines(&["logs", "--call", call["id"].as_str().unwrap()]);
    assert!(lines.iter().any(|it| it["message"] == "asked to trap"), "{lines:?}");
}

#[test]
fn a_function_that_does_not_answer_is_at_fault() {
    let host = site("");
    for path in ["/fn/site/no-response", "/fn/site/error"] {
        let answer = host.ask("GET", path, &[], b"");
        assert_eq!((answer.status, answer.problem()), (500, "no-response".to_owned()), "{path}");
    }
    assert_eq!(failed(&host, "no-response")["verdict"], "fatal");
}

#[test]
fn a_host_that_cannot_load_a_revision_answers_503() {
    let mut host = Host::start();
    deploy_site(&host, "");
    host.deploy("other", "conformance_handler.wasm", "[grants]\nmodel = [\"conformance\"]\n");
    let released = host.deploy("site", "conformance_http.wasm", "version = \"2.0.0\"\n");
    host.terminate();
    let digest = released["revision"]["component"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    let folder = host.data().join("host");
    std::fs::remove_file(folder.join("artifacts/sha256").join(&digest[..2]).join(&digest[2..])).unwrap();
    std::fs::remove_dir_all(folder.join("compiled")).unwrap();
    host.restart();
    let answer = host.ask("GET", "/fn/site/hello", &[], b"");
    assert_eq!((answer.status, answer.problem()), (503, "unavailable".to_owned()));
    assert_eq!(host.ask("POST", "/fn/other", &[("ce-specversion", "0.1")], b"").status, 400, "others are served");
    host.json(&["rollback", "site"]);
    assert_eq!(host.get("/fn/site/hello").0, 200);
}
