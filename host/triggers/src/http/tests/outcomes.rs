//! What came of a call, as a status; and callers who go away.

use super::*;

#[tokio::test]
async fn outcomes_have_their_status() {
    let failed = |kind, code| Err(Failure::new(kind, code, "no"));
    let mut later = Failure::transient("later", "no");
    later.retry_after_ms = Some(1_500);
    let cases = [
        (Ok(vec![]), 204),
        (Ok(vec![output("{}", &[]), output("x", &[])]), 200),
        (Ok(vec![output("{}", &[("httpstatus", "201")])]), 201),
        (Ok(vec![output("{}", &[("httpstatus", "9000")])]), 500),
        (failed(FailureKind::Invalid, "not-found"), 422),
        (Err(later), 503),
        (failed(FailureKind::Fatal, "bug"), 500),
        (failed(FailureKind::Transient, code::TRAP), 500),
        (failed(FailureKind::Transient, code::MEMORY_LIMIT), 500),
        (failed(FailureKind::Transient, code::DEADLINE), 504),
    ];
    for (outcome, status) in cases {
        let told = format!("{outcome:?}");
        let answer = host([hello()], answers(outcome)).get("/fn/hello").await;
        assert_eq!(answer.status, status, "{told}");
    }
}

#[tokio::test]
async fn failures_of_the_host_have_their_status_and_tell_when_to_come_back() {
    let cases = [
        (Failure::transient(code::OVERLOADED, "busy"), 429),
        (Failure::transient(code::UNAVAILABLE, "gone"), 503),
        (Failure::transient(code::DEADLINE, "late"), 504),
        (Failure::transient(code::TRAP, "unreachable"), 500),
        (Failure::invalid(code::NOT_FOUND, "none"), 404),
    ];
    for (mut failure, status) in cases {
        failure.retry_after_ms = Some(1_200);
        failure.backtrace = Some("hidden frame".into());
        let host = host([hello()], move |_, _| Err(failure.clone()));
        let answer = host.get("/fn/hello").await;
        assert_eq!((answer.status, answer.header("retry-after")), (status, "2"));
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["call"], answer.header("x-weft-call-id"));
        assert!(!String::from_utf8_lossy(&answer.body).contains("hidden"), "callers see no backtrace");
    }
}

#[tokio::test]
async fn a_job_says_that_it_takes_runs() {
    let answer = host([revision("default", JOB, "name = \"train\"")], mirror).post("/fn/train", &[], "").await;
    assert_eq!((answer.status, answer.json()["code"].as_str().unwrap()), (405, "wrong-entry"));
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_the_call() {
    let seen = Arc::new(Mutex::new(None));
    let theirs = Arc::clone(&seen);
    let host = host([revision("default", PROXY, "name = \"web\"")], move |_, context| {
        *theirs.lock() = Some(context.cancelled.clone());
        let streaming = http_body_util::StreamBody::new(Chunks(2));
        Ok(Reply::Http(Response::new(streaming.map_err(|never| match never {}).boxed_unsync())))
    });
    let cancelled = || seen.lock().as_ref().unwrap().is_cancelled();
    drop(host.http.answer(request("GET", "/fn/web", &[], "")).await);
    assert!(cancelled(), "the answer was dropped before its last byte");
    host.get("/fn/web").await;
    assert!(!cancelled(), "the answer was read to its end");
}
