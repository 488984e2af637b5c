//! What is kept of calls: records, usage, log lines, the audit trail.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use serde_json::Value;

use super::{GRANTS, event, with};
use crate::support::{Host, command, until};

#[test]
fn every_call_is_on_record_where_the_manifest_says_so() {
    let host = Host::start();
    host.deploy("shout", "conformance_handler.wasm", &format!("record = \"all\"\n{GRANTS}"));
    for number in 0..20 {
        assert_eq!(event(&host, "shout", "echo", &number.to_string()).0, 200);
    }
    event(&host, "shout", "invalid", "no");
    let calls = host.calls("function=shout", 21);
    assert_eq!(calls.len(), 21);
    assert_eq!(
        (&calls[0]["verdict"], &calls[0]["failure"]["code"]),
        (&"invalid".into(), &"asked".into()),
        "newest first"
    );
    assert!(calls[1..].iter().all(|it| it["verdict"] == "ok" && it["trigger"] == "http" && it["attempt"] == 1));
    assert_eq!(host.calls("verdict=invalid", 1).len(), 1);
    let one = host.get_json(&format!("/api/v1/projects/default/calls/{}", calls[0]["id"].as_str().unwrap()));
    assert_eq!(one, calls[0]);
}

#[test]
fn failures_are_on_record_whatever_the_policy() {
    let host = Host::start();
    // A share of none, where "failures" would keep one in a hundred of the rest.
    host.deploy("shout", "conformance_handler.wasm", &format!("record = \"0%\"\n{GRANTS}"));
    host.deploy("site", "conformance_http.wasm", "record = \"0%\"\n");
    for _ in 0..10 {
        event(&host, "shout", "echo", "fine");
        host.get("/fn/site/hello");
    }
    for behaviour in ["invalid", "transient", "fatal", "trap"] {
        event(&host, "shout", behaviour, "1");
    }
    host.get("/fn/site/status/503");
    host.get("/fn/site/status/404");
    host.get("/fn/site/trap");
    let calls = host.calls("", 6);
    let mut verdicts: Vec<_> = calls.iter().map(|it| it["verdict"].as_str().unwrap()).collect();
    verdicts.sort_unstable();
    assert_eq!(verdicts, ["fatal", "invalid", "transient", "transient", "transient", "transient"], "{calls:?}");
    assert_eq!(with(&calls, "verdict", "fatal")["failure"]["message"], "1");
}

#[test]
fn a_record_says_what_the_call_used() {
    let host = Host::start();
    host.deploy("site", "conformance_http.wasm", "record = \"all\"\n");
    let body = vec![b'x'; 100_000];
    assert_eq!(host.ask("POST", "/fn/site/echo", &[], &body).body, body);
    let echo = &host.calls("", 1)[0];
    let number = |field: &str| echo["usage"][field].as_u64().unwrap();
    assert_eq!((number("bytes_in"), number("bytes_out")), (100_000, 100_000));
    assert!(number("cpu_us") > 0 && number("duration_us") > 0, "{echo}");
    assert!((1 << 20..128 << 20).contains(&number("memory_bytes")), "{echo}");
    assert_eq!((&echo["status"], &echo["entry"]), (&200.into(), &"http".into()));
    assert_eq!(echo["trigger_name"], "/fn/site");

    host.get("/fn/site/grow?mib=20");
    let grown = &host.calls("", 2)[0];
    assert!(grown["usage"]["memory_bytes"].as_u64().unwrap() > 20 << 20, "{grown}");
    assert_eq!((&echo["usage"]["fresh"], &grown["usage"]["fresh"]), (&true.into(), &false.into()));
}

#[test]
fn an_instance_is_kept_for_the_next_call_unless_the_manifest_forbids_it() {
    let host = Host::start();
    host.deploy("warm", "conformance_http.wasm", "");
    host.deploy("fresh", "conformance_http.wasm", "[limits]\nisolation = \"fresh\"\n");
    let count = |function: &str| host.get(&format!("/fn/{function}/count")).1;
    assert_eq!([count("warm"), count("warm"), count("warm")], ["1", "2", "3"]);
    assert_eq!([count("fresh"), count("fresh")], ["1", "1"]);
    host.get("/fn/warm/trap");
    assert_eq!(count("warm"), "1", "nothing of an instance that trapped is used again");
}

#[test]
fn what_a_function_says_is_kept_with_its_call() {
    let host = Host::start();
    host.deploy("shout", "conformance_handler.wasm", GRANTS);
    event(&host, "shout", "print", "1");
    event(&host, "shout", "log", "3");
    let lines = host.json_lines(&["logs", "shout"]);
    let told: Vec<_> = lines.iter().map(|it| (it["stream"].as_str().unwrap(), it["level"].as_str().unwrap())).collect();
    assert_eq!(told[..2], [("stdout", "info"), ("stderr", "warn")]);
    assert!(told[2..].iter().all(|(stream, _)| *stream == "log"), "{told:?}");
    assert_eq!(told.len(), 5);
    assert!(lines[4]["fields"].as_object().is_some_and(|it| !it.is_empty()), "{}", lines[4]);

    let call = lines[0]["call"].as_str().unwrap();
    assert_eq!(host.json_lines(&["logs", "--call", call]), lines[..2]);
    assert_eq!(host.json_lines(&["logs", "--limit", "1"]), lines[4..]);
    assert!(host.json_lines(&["logs", "nobody"]).is_empty());
}

/// `fn logs --follow`, ended when dropped.
struct Following(Child);

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_follower_sees_lines_as_they_come() {
    let host = Host::start();
    host.deploy("shout", "conformance_handler.wasm", GRANTS);
    event(&host, "shout", "print", "1");
    let child = command(&["logs", "shout", "--follow", "--json"])
        .env("WEFT_HOST", host.url(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut following = Following(child);
    let mut lines = BufReader::new(following.0.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!([next()["message"].clone(), next()["message"].clone()], ["out 0", "err 0"], "those there are already");
    event(&host, "shout", "log", "1");
    let line = next();
    assert_eq!((&line["stream"], &line["function"]), (&"log".into(), &"shout".into()));
}

#[test]
fn a_follower_that_comes_back_goes_on_where_it_was() {
    let host = Host::start();
    host.deploy("shout", "conformance_handler.wasm", GRANTS);
    event(&host, "shout", "print", "2");
    let lines = host.json_lines(&["logs"]);
    let last = lines[1]["id"].as_str().unwrap();
    let mut wire = host.begin("GET", "/api/v1/projects/default/logs/follow", &[("last-event-id", last)]);
    let head = wire.head().unwrap();
    assert_eq!(head.field("content-type"), Some("text/event-stream"));
    let mut text = String::new();
    while text.matches("\n\n").count() < 2 {
        text.push_str(&String::from_utf8(wire.piece().unwrap()).unwrap());
    }
    let ids: Vec<_> = text.lines().filter_map(|it| it.strip_prefix("id:")).map(str::trim).collect();
    assert_eq!(ids, [lines[2]["id"].as_str().unwrap(), lines[3]["id"].as_str().unwrap()], "{text}");
}

#[test]
fn who_changed_what_is_on_record() {
    let host = Host::start();
    host.deploy("hello", "conformance_http.wasm", "");
    host.deploy("hello", "conformance_http.wasm", "version = \"2.0.0\"\n");
    host.json(&["rollback", "hello"]);
    host.json(&["delete", "hello"]);
    let audit = until("the changes are on record", || {
        let audit = host.get_json("/api/v1/projects/default/audit");
        let items = audit["items"].as_array().unwrap().clone();
        (items.len() >= 6).then_some(items)
    });
    let told: Vec<_> =
        audit.iter().map(|it| (it["action"].as_str().unwrap(), it["subject"].as_str().unwrap())).collect();
    let expected = ["deleted", "activated", "activated", "added", "activated", "added"].map(|action| match action {
        "added" => ("revision.added", "hello"),
        "deleted" => ("function.deleted", "hello"),
        _ => ("function.activated", "hello"),
    });
    assert_eq!(told, expected);
}
