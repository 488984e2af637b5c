//! Requests that are answered later, callbacks, and requests that bear a key.

mod hook;
mod once;

use serde_json::Value;

use crate::support::{Host, Options, raw::Answer, until};
use hook::Hook;

const LATER: (&str, &str) = ("prefer", "respond-async");

fn brisk() -> Options {
    Options::default()
        .env("WEFT_PIPELINES__LEASE_MS", "1000")
        .env("WEFT_PIPELINES__HEARTBEAT_MS", "100")
        .env("WEFT_PIPELINES__POLL_MS", "20")
        .env("WEFT_HTTP__LATER_ATTEMPTS", "3")
        .env("WEFT_HTTP__LATER_BACKOFF", "10ms")
}

/// A host with both conformance guests; `grants` go to both.
fn host(grants: &str) -> Host {
    let host = Host::start_with(brisk());
    deploy(&host, grants);
    host
}

fn deploy(host: &Host, grants: &str) {
    host.deploy("handler", "conformance_handler.wasm", &format!("[grants]\nmodel = [\"conformance\"]\n{grants}"));
    let route = "[[triggers]]\nkind = \"http\"\npath = \"/shop/{*rest}\"\n";
    host.deploy(
        "site",
        "conformance_http.wasm",
        &format!("[limits]\nmax_body = \"1MiB\"\n[grants]\n{grants}\n{route}"),
    );
}

/// An event of a type for the handler, to be answered later.
fn event<'a>(behaviour: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let fields = [
        LATER,
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/tests"),
        ("ce-type", behaviour),
        ("content-type", "text/plain"),
    ];
    [&fields, more].concat()
}

/// The id of the run that a request became.
fn accepted(answer: &Answer) -> String {
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.field("preference-applied"), Some("respond-async"));
    let run = answer.json()["run"].as_str().unwrap().to_owned();
    assert_eq!(answer.field("location"), Some(format!("/api/v1/projects/default/runs/{run}").as_str()));
    run
}

/// What it was answered in the end.
fn response(host: &Host, run: &str) -> Answer {
    until("the response", || {
        let answer = host.ask("GET", &format!("/api/v1/projects/default/runs/{run}/response"), &[], b"");
        (answer.status != 202 || answer.field("retry-after").is_none()).then_some(answer)
    })
}

#[test]
fn a_request_is_answered_later_with_everything_it_would_have_been_answered() {
    let host = host("");
    let run = accepted(&host.ask("POST", "/fn/handler", &event("upper", &[]), b"hi"));
    let answer = response(&host, &run);
    assert_eq!((answer.status, answer.text().as_str()), (200, "HI"));
    let shown = host.ended(&run).done();
    assert_eq!((&shown.0["run"]["kind"], &shown.0["run"]["name"]), (&"request".into(), &"handler".into()));
    assert_eq!(shown.step("request")["results"]["status"], 200);
    assert_eq!(host.run(&["runs", "response", &run]).stdout, b"HI");

    let fields = [
        LATER,
        ("authorization", "Basic c2VjcmV0"),
        ("cookie", "session=secret"),
        ("x-own", "1"),
        ("content-type", "a/b"),
    ];
    let run = accepted(&host.ask("PUT", "/shop/describe?a=b", &fields, b"body"));
    let told = response(&host, &run).text();
    assert!(told.starts_with("PUT\n/shop/describe\n") && told.contains("a=b"), "{told}");
    assert!(told.contains("x-own") && !told.contains("secret") && !told.contains("c2VjcmV0"), "{told}");
    assert!(!serde_json::to_string(&host.shown(&run).0).unwrap().contains("c2VjcmV0"), "nor is it on record");
}

#[test]
fn what_fails_for_a_while_is_tried_again_and_the_last_answer_counts() {
    let host = host("");
    let run = accepted(&host.ask("POST", "/fn/handler", &event("transient", &[]), b"1"));
    let answer = response(&host, &run);
    assert_eq!((answer.status, answer.problem()), (503, "asked".to_owned()));
    let shown = host.ended(&run).done();
    assert_eq!(
        (&shown.step("request")["attempt"], &shown.step("request")["results"]["status"]),
        (&3.into(), &503.into())
    );
    // What would be the same again is not tried again.
    for (behaviour, status) in [("invalid", 422), ("fatal", 500)] {
        let run = accepted(&host.ask("POST", "/fn/handler", &event(behaviour, &[]), b"no"));
        assert_eq!(response(&host, &run).status, status);
        assert_eq!(host.ended(&run).step("request")["attempt"], 1, "{behaviour}");
    }
}

#[test]
fn a_response_is_there_or_it_is_said_why_not() {
    let host = host("");
    host.deploy_job("job");
    let path = |run: &str| format!("/api/v1/projects/default/runs/{run}/response");
    let slow = accepted(&host.ask("POST", "/fn/handler", &event("sleep", &[]), b"600000"));
    let waiting = host.ask("GET", &path(&slow), &[], b"");
    assert_eq!((waiting.status, waiting.field("retry-after")), (202, Some("1")));
    host.json(&["runs", "cancel", &slow]);
    assert_eq!(response(&host, &slow).status, 502);
    assert_eq!(host.get(&path("01890000-0000-7000-8000-00000000c0de")).0, 404);
    let job = host.submit("pipeline: p\nsteps:\n  a: { function: job, params: { do: nothing } }\n");
    assert_eq!(host.get(&path(job.id())).0, 409);
    let run = accepted(&host.ask("POST", "/fn/handler", &event("upper", &[]), b"gone"));
    assert_eq!(response(&host, &run).text(), "GONE");
    let digest = host.shown(&run).step("request")["outputs"][0]["digest"].as_str().unwrap().to_owned();
    let hex = digest.trim_start_matches("sha256:");
    std::fs::remove_file(host.data().join("host/artifacts/sha256").join(&hex[..2]).join(&hex[2..])).unwrap();
    assert_eq!(host.get(&path(&run)).0, 410);
}

#[test]
fn a_response_says_nothing_for_the_control_plane() {
    let host = host("");
    let run = accepted(&host.ask("GET", "/fn/site/hello", &[LATER], b""));
    let answer = response(&host, &run);
    assert_eq!((answer.status, answer.text().as_str()), (200, "Hello, World!"));
    assert!(answer.field("content-security-policy").unwrap().contains("sandbox"));
    assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
}

#[test]
fn what_would_not_be_taken_now_is_not_taken_for_later() {
    let host = host("");
    host.deploy_job("job");
    // Said, not sent: the host does not wait for what it will not take.
    let large = ((1 << 20) + 1).to_string();
    let mut wire = host.begin("POST", "/fn/site/echo", &[LATER, ("content-length", &large)]);
    assert_eq!(wire.head().unwrap().status, 413);
    assert_eq!(host.ask("POST", "/fn/job", &[LATER], b"x").status, 405);
    assert_eq!(host.ask("POST", "/fn/nobody", &[LATER], b"x").status, 404);
    assert_eq!(host.ask("GET", "/fn/site/hello", &[("prefer", "return=minimal")], b"").status, 200);
    let quoted = host.ask("GET", "/fn/site/hello", &[("prefer", "wait=5, Respond-Async ; x=1")], b"");
    assert_eq!(quoted.status, 202);
    let runs = host.json(&["runs", "list"]);
    assert_eq!(runs["items"].as_array().unwrap().len(), 1);
}

#[test]
fn only_so_many_wait_for_one_function() {
    let host = Host::start_with(brisk().env("WEFT_PIPELINES__PENDING_REQUESTS", "2"));
    deploy(&host, "");
    let slow = || host.ask("POST", "/fn/handler", &event("sleep", &[]), b"600000");
    let first = accepted(&slow());
    accepted(&slow());
    let refused = slow();
    assert_eq!((refused.status, refused.problem()), (429, "overloaded".to_owned()));
    assert!(refused.field("retry-after").is_some());
    accepted(&host.ask("GET", "/fn/site/hello", &[LATER], b""));
    host.json(&["runs", "cancel", &first]);
    accepted(&slow());
}

#[test]
fn a_host_that_dies_after_202_answers_when_it_is_back() {
    let mut host = host("");
    let texts: Vec<String> = (0..12).map(|number| format!("text {number}")).collect();
    let runs: Vec<String> = texts
        .iter()
        .map(|text| accepted(&host.ask("POST", "/fn/handler", &event("upper", &[]), text.as_bytes())))
        .collect();
    let slow = accepted(&host.ask("POST", "/fn/handler", &event("sleep", &[]), b"3000"));
    host.kill();
    host.restart();
    for (run, text) in runs.iter().zip(&texts) {
        assert_eq!(response(&host, run).text(), text.to_uppercase());
    }
    assert_eq!(response(&host, &slow).status, 204, "it was in the middle of it, and does it again");
    assert_eq!(host.ended(&slow).step("request")["state"], "done");
}

#[test]
fn whoever_wants_to_be_told_is_told_even_by_the_next_host() {
    let hook = Hook::start();
    let mut host = host(&format!("http = [{{ url = \"{}\", methods = [\"POST\"], private = true }}]\n", hook.url));
    let url = format!("{}/done", hook.url);
    let callback = [("weft-callback", url.as_str())];
    let run = accepted(&host.ask("POST", "/fn/handler", &event("upper", &callback), b"hi"));
    let (path, told) = hook.next();
    assert_eq!(
        (path.as_str(), &told["type"], &told["id"]),
        ("/done", &"dev.weft.call.completed".into(), &run.clone().into())
    );
    assert_eq!((&told["data"]["status"], &told["data"]["body"]), (&200.into(), &"HI".into()), "{told}");
    assert_eq!(told["data"]["run"], Value::from(run.as_str()));
    host.ended(&run).done();

    // A bad end is told, too; and whoever is busy is told again, across a restart.
    hook.refuse(2);
    let run = accepted(&host.ask("POST", "/fn/handler", &event("invalid", &callback), b"no"));
    assert_eq!(hook.next().1["data"]["status"], 422);
    host.kill();
    host.restart();
    assert_eq!(hook.next().1["id"], Value::from(run.as_str()));
    assert_eq!(hook.next().1["data"]["status"], 422);
    assert!(host.ended(&run).done().step("notify")["attempt"].as_u64().unwrap() >= 3);
}

#[test]
fn nobody_is_told_whom_the_function_may_not_reach() {
    let hook = Hook::start();
    let host = host("http = [\"https://api.example.com\", \"GET http://public.example\"]\n");
    let url = format!("{}/done", hook.url);
    let refused = |url: &str| {
        let answer = host.ask("POST", "/fn/handler", &event("upper", &[("weft-callback", url)]), b"hi");
        (answer.status, answer.problem())
    };
    assert_eq!(refused(&url), (403, "callback-refused".to_owned()));
    assert_eq!(refused("http://public.example/done"), (403, "callback-refused".to_owned()), "POST was not granted");
    assert_eq!(refused("http://169.254.169.254/latest"), (403, "callback-refused".to_owned()));
    for url in ["nonsense", "/done", "ftp://api.example.com/", "https://"] {
        assert_eq!(refused(url), (422, "bad-callback".to_owned()), "{url}");
    }
    assert!(host.json(&["runs", "list"])["items"].as_array().unwrap().is_empty(), "nothing was kept");
}
