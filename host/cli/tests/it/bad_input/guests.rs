//! Guests that misbehave: each ends its own call and nothing else.

use serde_json::json;

use super::{deploy_handler, deploy_job, event, host, job, still_serves};
use crate::support::Host;

/// The conformance guest as `site`, with limits of its own.
fn deploy_site(host: &Host, limits: &str) {
    host.deploy("site", "conformance_http.wasm", &format!("record = \"all\"\n[limits]\n{limits}"));
}

/// The code of the latest failure on record.
fn failed(host: &Host, function: &str) -> String {
    let calls = host.calls(&format!("function={function}"), 1);
    calls[0]["failure"]["code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_guest_that_spins_is_stopped_and_others_are_served_meanwhile() {
    let host = host();
    deploy_handler(&host, "timeout = \"3s\"\n");
    deploy_site(&host, "timeout = \"1s\"\n");
    std::thread::scope(|scope| {
        // More of them than this machine has cores.
        let spinning: Vec<_> = (0..8).map(|_| scope.spawn(|| host.get("/fn/site/spin").0)).collect();
        still_serves(&host);
        for one in spinning {
            assert_eq!(one.join().unwrap(), 504);
        }
    });
    assert_eq!(event(&host, "spin", "").0, 504);
    assert_eq!(event(&host, "upper", "hi"), (200, "HI".to_owned()));
    still_serves(&host);
}

#[test]
fn a_memory_bomb_meets_its_limit() {
    let host = host();
    deploy_handler(&host, "timeout = \"60s\"\nmemory = \"16MiB\"\n");
    deploy_site(&host, "timeout = \"60s\"\nmemory = \"16MiB\"\n");
    let (status, body) = event(&host, "grow", "");
    assert_eq!(status, 500);
    assert!(body.contains("it wanted more than 16MiB of memory; limits.memory in function.toml"), "{body}");
    assert_eq!(host.get("/fn/site/grow").0, 500);
    assert_eq!(failed(&host, "site"), "memory-limit");
    assert_eq!(event(&host, "upper", "hi").0, 200);
    still_serves(&host);
}

#[test]
fn a_flood_of_lines_is_cut_and_says_so() {
    let host = host();
    deploy_handler(&host, "timeout = \"30s\"\n");
    for flood in ["log", "print"] {
        assert_eq!(event(&host, flood, "20000").0, 204);
        let lines = host.json_lines(&["logs", "handler", "--limit", "5000"]);
        let call = &lines.last().unwrap()["call"];
        let of_call: Vec<_> = lines.iter().filter(|it| it["call"] == *call).collect();
        assert_eq!(of_call.len(), 1001, "a thousand, and one that says how many are missing");
        let last = of_call.last().unwrap();
        assert_eq!((&last["stream"], &last["level"]), (&"host".into(), &"warn".into()));
        assert!(last["message"].as_str().unwrap().contains("more lines were dropped"), "{last}");
    }
    still_serves(&host);
}

#[test]
fn an_output_flood_is_held_back_by_who_reads_it() {
    let host = host();
    deploy_site(&host, "timeout = \"4s\"\nmemory = \"16MiB\"\n");
    // One who never reads, one who reads all he can, and one who leaves in the middle.
    let mut deaf = host.begin("GET", "/fn/site/flood", &[]);
    let mut eager = host.begin("GET", "/fn/site/flood", &[]);
    let mut hasty = host.begin("GET", "/fn/site/flood", &[]);
    hasty.head().unwrap();
    hasty.piece().unwrap();
    drop(hasty);
    let head = eager.head().unwrap();
    assert!(eager.answer(head).is_err(), "it ends at its deadline, and not as if it were whole");
    still_serves(&host);
    let calls = host.calls("function=site", 3);
    let mut codes: Vec<_> = calls.iter().map(|it| it["failure"]["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["cancelled", "deadline", "deadline"], "{calls:?}");
    assert_eq!(deaf.head().unwrap().status, 200);
    assert!(calls.iter().all(|it| it["usage"]["memory_bytes"].as_u64().unwrap() < 16 << 20), "{calls:?}");
}

#[test]
fn a_huge_output_is_refused() {
    let host = host();
    deploy_handler(&host, "max_body = \"64KiB\"\n");
    assert_eq!(event(&host, "huge", "60000").0, 200);
    let (status, body) = event(&host, "huge", "10000000");
    assert_eq!(status, 500);
    assert!(body.contains("limits.max_body"), "{body}");
    assert_eq!(failed(&host, "handler"), "copy-limit");
    still_serves(&host);
}

#[test]
fn a_trap_costs_its_own_call() {
    let host = host();
    deploy_handler(&host, "");
    for _ in 0..3 {
        let (status, body) = event(&host, "trap", "because");
        assert_eq!(status, 500);
        assert!(body.contains("asked to trap: because"), "{body}");
        assert_eq!(event(&host, "count", ""), (200, "1".to_owned()), "in an instance of its own");
    }
    still_serves(&host);
}

#[test]
fn a_poisoned_event_fails_alone() {
    let host = host();
    let poisons = [
        ("trap", "trap", ""),
        ("spin", "deadline", "timeout = \"1s\"\n"),
        ("grow", "memory-limit", "memory = \"8MiB\"\n"),
    ];
    for (poison, code, limits) in poisons {
        deploy_handler(&host, limits);
        let one = |id: &str, behaviour: &str| {
            json!({ "specversion": "1.0", "id": id, "source": "/t", "type": behaviour,
                "datacontenttype": "text/plain", "data": "" })
        };
        let batch = json!([one("a", "upper"), one("b", poison), one("c", "context"), one("d", "invalid")]).to_string();
        let (status, body) = host.post("/fn/handler", "application/cloudevents-batch+json", batch.as_bytes());
        assert_eq!(status, 207, "{body}");
        let answers: serde_json::Value = serde_json::from_str(&body).unwrap();
        let codes: Vec<_> = (0..4).map(|at| answers[at]["failure"]["code"].as_str()).collect();
        assert_eq!(codes, [None, Some(code), None, Some("asked")], "{body}");
    }
    still_serves(&host);
}

#[test]
fn a_guest_that_never_reads_its_body_still_answers() {
    let host = host();
    deploy_site(&host, "");
    let body = vec![b'x'; 4 << 20];
    let mut wire = host.begin("POST", "/fn/site/ignore-body", &[("content-length", &body.len().to_string())]);
    // The host may close before it was all sent.
    let _ = wire.send(&body);
    let head = wire.head().unwrap();
    assert_eq!((head.status, wire.answer(head).unwrap().text()), (200, "ignored".to_owned()));
    // Nor is the rest of the body taken for the next request.
    let mut wire = host.connect();
    wire.send("POST /fn/site/ignore-body HTTP/1.1\r\nhost: localhost\r\ncontent-length: 40\r\n\r\n").unwrap();
    let head = wire.head().unwrap();
    assert_eq!(wire.answer(head).unwrap().text(), "ignored");
    let _ = wire.send("GET /fn/site/hello HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(wire.is_closed(), "what follows is the body, and nobody wants it");
    still_serves(&host);
}

#[test]
fn jobs_that_misbehave_fail_and_leave_the_host_alone() {
    let host = host();
    deploy_job(&host);
    for (action, code) in [("bomb", "memory-limit"), ("trap", "trap"), ("spin", "deadline"), ("flood", "quota")] {
        let failure = job(&host, action, "", &[]).unwrap_err();
        assert_eq!(failure["code"], code, "{failure}");
    }
    assert_eq!(job(&host, "exit", "", &[]).unwrap_err()["kind"], "fatal");
    assert_eq!(job(&host, "params", "fine", &[]).unwrap()["text"], "fine");
    still_serves(&host);
}
