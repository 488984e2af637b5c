//! Batches of events: answers, failures, limits and what a guest may know.

use host_core::{
    call::{Call, Reply},
    event::{FailureKind, code},
    ports::Invoke,
    record::{Level, Stream},
    size::ByteSize,
};
use host_engine::Config;
use serde_json::Value;

use crate::support::{Host, config, context, events, failed, finished, told};

#[tokio::test]
async fn each_event_gets_its_own_answer() {
    let host = Host::new();
    let handler = host.handler("").await;
    let batch = [("upper", "a"), ("invalid", "no"), ("none", ""), ("transient", "250"), ("fatal", "broken")];
    let (outcomes, end) = host.events(&handler, &batch).await;
    assert_eq!(told(&outcomes), ["ok A", "asked", "ok", "asked", "asked"]);
    let kinds = [1, 3, 4].map(|index: usize| outcomes[index].as_ref().unwrap_err().kind);
    assert_eq!(kinds, [FailureKind::Invalid, FailureKind::Transient, FailureKind::Fatal]);
    assert_eq!(outcomes[3].as_ref().unwrap_err().retry_after_ms, Some(250));
    assert_eq!(end.failure, None, "failures of single events stand in the reply");
    assert_eq!((end.usage.bytes_in, end.usage.bytes_out), (12, 1));
    assert!(end.usage.memory_bytes >= 64 << 10 && end.usage.cpu_us > 0, "{:?}", end.usage);
}

#[tokio::test]
async fn everything_of_an_event_crosses_both_ways() {
    let host = Host::new();
    let handler = host.handler("").await;
    let mut sent = events(&[("echo", "hi")]);
    sent[0].subject = Some("it".into());
    sent[0].key = Some(b"\xff\0"[..].into());
    sent[0].inlet = "left".into();
    sent[0].extensions = vec![("a".into(), "1".into()), ("b".into(), "é".into())];
    let called = host.call(&handler, Call::Events(sent.clone())).await;
    let Ok(Reply::Events(outcomes)) = called.reply else { panic!() };
    let output = &outcomes[0].as_ref().unwrap()[0];
    assert_eq!((&output.r#type, &output.subject, &output.key), (&sent[0].r#type, &sent[0].subject, &sent[0].key));
    assert_eq!((&output.outlet, &output.extensions), (&sent[0].inlet, &sent[0].extensions));
    assert_eq!(output.data, sent[0].data);
}

#[tokio::test]
async fn only_the_poisoned_event_of_a_batch_fails() {
    let host = Host::new();
    let handler = host.handler("timeout = \"200ms\"").await;
    let (outcomes, end) = host.events(&handler, &[("upper", "a"), ("trap", "x"), ("upper", "b")]).await;
    assert_eq!(told(&outcomes), ["ok A", code::TRAP, "ok B"]);
    assert_eq!(end.failure.unwrap().code, code::TRAP);
    let (outcomes, _) = host.events(&handler, &[("upper", "a"), ("spin", ""), ("upper", "b")]).await;
    assert_eq!(told(&outcomes), ["ok A", code::DEADLINE, "ok B"]);
    let (outcomes, _) = host.events(&handler, &[("count", ""), ("trap", "x"), ("count", "")]).await;
    assert_eq!(told(&outcomes), ["ok 1", code::TRAP, "ok 1"], "each ran in an instance of its own");
}

#[tokio::test]
async fn a_wrong_number_of_answers_is_nobodys_answer() {
    let host = Host::new();
    let handler = host.handler("").await;
    let (outcomes, end) = host.events(&handler, &[("upper", "a"), ("wrong-count", "")]).await;
    assert_eq!(told(&outcomes), [code::WRONG_COUNT, code::WRONG_COUNT]);
    let failure = end.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Fatal);
    assert!(failure.message.ends_with("answers to 2 events"), "{}", failure.message);
}

#[tokio::test]
async fn a_trap_says_where_and_why() {
    let host = Host::new();
    let handler = host.handler("").await;
    let (outcomes, _) = host.events(&handler, &[("trap", "because")]).await;
    let failure = outcomes[0].as_ref().unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Transient, code::TRAP));
    assert!(failure.message.contains("unreachable"), "{}", failure.message);
    let backtrace = failure.backtrace.as_ref().unwrap();
    assert!(backtrace.contains(&format!("subject revision 1 ({})", handler.id)), "{backtrace}");
    assert!(backtrace.contains("0: ") && backtrace.contains("wasm"), "{backtrace}");
    let stderr = host.lines.of(Stream::Stderr);
    assert!(stderr.iter().any(|line| line.contains("asked to trap: because")), "{stderr:?}");
    assert!(failure.message.contains("its last words"), "{}", failure.message);
}

#[tokio::test]
async fn a_guest_that_never_stops_is_stopped_at_its_deadline() {
    let host = Host::new();
    let handler = host.handler("timeout = \"100ms\"").await;
    let (outcomes, end) = host.events(&handler, &[("spin", "")]).await;
    let failure = outcomes[0].as_ref().unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Transient, code::DEADLINE));
    assert!(failure.message.contains("limits.timeout gives it 0.1 s"), "{}", failure.message);
    assert!(failure.backtrace.is_some(), "it was computing, so there is a place");
    assert!(end.usage.cpu_us > 0);
    let (outcomes, _) = host.events(&handler, &[("sleep", "60000")]).await;
    assert_eq!(told(&outcomes), [code::DEADLINE], "waiting counts as well");
}

#[tokio::test]
async fn more_memory_than_allowed_is_told_as_such() {
    let host = Host::new();
    let handler = host.handler("memory = \"16MiB\"").await;
    let (outcomes, end) = host.events(&handler, &[("grow", "")]).await;
    let failure = outcomes[0].as_ref().unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Transient, code::MEMORY_LIMIT));
    assert!(failure.message.contains("16MiB"), "{}", failure.message);
    assert!((8 << 20..=16 << 20).contains(&end.usage.memory_bytes), "{:?}", end.usage);
    assert_eq!(host.ask(&handler, "grow", "4").await, "4");
}

#[tokio::test]
async fn answers_and_batches_are_bounded() {
    let host = Host::new();
    let handler = host.handler("max_body = \"1MiB\"").await;
    let (outcomes, _) = host.events(&handler, &[("huge", &(4 << 20).to_string())]).await;
    assert_eq!(told(&outcomes), [code::COPY_LIMIT]);
    let data = "x".repeat((1 << 20) + 1);
    let called = host.call(&handler, Call::Events(events(&[("none", &data)]))).await;
    assert_eq!(failed(called), code::TOO_LARGE);
}

#[tokio::test]
async fn log_lines_carry_their_level_and_fields() {
    let host = Host::new();
    let handler = host.handler("").await;
    host.events(&handler, &[("log", "5")]).await;
    let lines = host.lines.all();
    let levels: Vec<_> = lines.iter().map(|it| it.level).collect();
    assert_eq!(levels, [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error]);
    assert_eq!((lines[0].message.as_str(), &lines[0].fields["line"]), ("line 0", &Value::from("0")));
    assert_eq!((lines[0].function.as_str(), lines[0].revision), ("subject", handler.id));
}

#[tokio::test]
async fn a_flood_of_lines_is_cut_off_and_counted() {
    let host = Host::with(Config { log_lines: 10, log_bytes: ByteSize(4096), ..config() }, None);
    let handler = host.handler("").await;
    for kind in ["log", "print"] {
        let before = host.lines.all().len();
        host.events(&handler, &[(kind, "5000")]).await;
        let lines = host.lines.all().split_off(before);
        assert_eq!(lines.len(), 11, "ten lines and a note");
        let note = &lines[10];
        assert_eq!(note.stream, Stream::Host);
        assert!(note.message.starts_with(if kind == "log" { "4990 more" } else { "9990 more" }), "{}", note.message);
    }
}

#[tokio::test]
async fn output_becomes_lines() {
    let host = Host::new();
    let handler = host.handler("").await;
    host.events(&handler, &[("print", "2")]).await;
    assert_eq!(host.lines.of(Stream::Stdout), ["out 0", "out 1"]);
    assert_eq!(host.lines.of(Stream::Stderr), ["err 0", "err 1"]);
}

#[tokio::test]
async fn a_guest_knows_its_call_and_nothing_of_its_host() {
    let host = Host::new();
    let handler = host.handler("").await;
    let mut surroundings = context();
    surroundings.attempt = 3;
    surroundings.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    let id = surroundings.id.to_string();
    let called = host.engine.call(handler.clone(), surroundings, Call::Events(events(&[("context", "x")]))).await;
    let Ok(Reply::Events(outcomes)) = called.reply else { panic!() };
    let report: Value = serde_json::from_slice(&outcomes[0].as_ref().unwrap()[0].data).unwrap();
    assert_eq!((&report["call_id"], &report["revision"]), (&Value::from(id), &Value::from(handler.id.to_string())));
    assert_eq!((report["attempt"].as_u64(), report["cancelled"].as_bool()), (Some(3), Some(false)));
    assert!(report["traceparent"].as_str().unwrap().starts_with("00-0af7"));
    assert!((1..=30_000).contains(&report["remaining_ms"].as_u64().unwrap()));
    let environment: Value = serde_json::from_str(&host.ask(&handler, "env", "").await).unwrap();
    assert_eq!(environment["variables"], serde_json::json!({}));
    let file = host.ask(&handler, "file", "/etc/passwd").await;
    assert!(!file.contains("\"ok\""), "{file}");
    let connection = host.ask(&handler, "connect", "127.0.0.1:80").await;
    assert!(!connection.contains("\"ok\""), "{connection}");
}

#[tokio::test]
async fn a_cancelled_call_ends_at_once_even_while_it_computes() {
    let host = Host::new();
    let handler = host.handler("timeout = \"1h\"").await;
    for kind in ["spin", "sleep"] {
        let surroundings = context();
        surroundings.cancelled.cancel();
        let batch = Call::Events(events(&[(kind, "3600000"), ("upper", "a")]));
        let called = host.engine.call(handler.clone(), surroundings, batch).await;
        assert_eq!(finished(called.end).await.failure.unwrap().code, code::CANCELLED);
        assert!(called.reply.is_err_and(|it| it.code == code::CANCELLED), "its events do not run one by one");
    }
}

#[tokio::test]
async fn a_call_of_another_kind_is_refused() {
    let host = Host::new();
    let handler = host.handler("").await;
    let request = http::Request::new(host_core::body::empty());
    assert_eq!(failed(host.call(&handler, Call::Http(request)).await), code::WRONG_ENTRY);
    let http = host.http("").await;
    assert_eq!(failed(host.call(&http, Call::Events(events(&[("upper", "a")]))).await), code::WRONG_ENTRY);
}
