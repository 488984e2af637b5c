//! Components that use the asynchronous component model: on an engine of their own, under the rules of all others.
//!
//! Most of them are the usual guests with one asynchronous function more, which nobody calls: an engine without support
//! refuses them all the same. Those in JavaScript are built by `cargo xtask guests`.

use std::{path::Path, sync::Arc};

use host_core::{
    body,
    call::{Call, JobCall, Reply},
    event::code,
    function::Revision,
    ports::Invoke,
};
use host_engine::Config;
use http_body_util::BodyExt as _;
use tempfile::TempDir;

use crate::support::{Host, config, events, failed, finished, guest, told};

/// The section that makes a component asynchronous: one canonical function, `waitable-set.new`.
const WAITABLE_SET_NEW: [u8; 4] = [8, 2, 1, 0x1f];

fn asynchronous(name: &str) -> Vec<u8> {
    let mut component = guest(name);
    component.extend(WAITABLE_SET_NEW);
    component
}

async fn handler(host: &Host, limits: &str) -> Arc<Revision> {
    let manifest = format!("[limits]\n{limits}\n[grants]\nmodel = [\"wine\"]\n");
    host.deploy(&asynchronous("conformance_handler"), &manifest).await.unwrap()
}

/// The engines, by their folders, that have code below `cache`.
fn engines(cache: &Path) -> Vec<String> {
    let folders = std::fs::read_dir(cache).unwrap().map(|it| it.unwrap().path());
    let has_code = |folder: &std::path::PathBuf| {
        let mut files = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
        files.any(|it| it.extension().is_some_and(|it| it == "cwasm"))
    };
    let name = |folder: std::path::PathBuf| {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        name.split('-').next().unwrap().to_owned()
    };
    folders.filter(has_code).map(name).collect()
}

#[tokio::test]
async fn what_a_component_uses_says_which_engine_runs_it() {
    let folder = TempDir::new().unwrap();
    let config = || Config { cache: folder.path().into(), ..config() };
    let host = Host::with(config(), None);
    let one = handler(&host, "").await;
    assert_eq!(engines(folder.path()), ["async"]);
    assert_eq!(host.ask(&one, "upper", "a").await, "A");
    assert!(host.engine.is_prepared(&one.component));
    let again = Host::with(config(), None);
    let same = handler(&again, "").await;
    assert_eq!(again.ask(&same, "upper", "b").await, "B");
    assert_eq!(again.engine.compiled(), 0, "its code is found again");
    again.handler("").await;
    let mut all = engines(folder.path());
    all.sort();
    assert_eq!(all, ["async", "serve"], "the plain one runs where it always did");
}

#[tokio::test]
async fn limits_traps_and_deadlines_hold_as_everywhere() {
    let host = Host::new();
    let handler = handler(&host, "timeout = \"200ms\"\nmemory = \"16MiB\"").await;
    let batch = [("upper", "a"), ("trap", "x"), ("spin", ""), ("sleep", "60000"), ("grow", ""), ("upper", "b")];
    let (outcomes, end) = host.events(&handler, &batch).await;
    assert_eq!(told(&outcomes), ["ok A", code::TRAP, code::DEADLINE, code::DEADLINE, code::MEMORY_LIMIT, "ok B"]);
    assert!(end.failure.is_some());
    let most = handler.manifest.limits.max_body.0 * 2 + 1;
    let (outcomes, _) = host.events(&handler, &[("huge", &most.to_string())]).await;
    assert!([code::COPY_LIMIT, code::MEMORY_LIMIT].contains(&told(&outcomes)[0].as_str()), "{:?}", told(&outcomes));
}

#[tokio::test]
async fn instances_stay_warm_and_none_that_went_wrong_is_used_again() {
    let host = Host::new();
    let warm = handler(&host, "timeout = \"100ms\"").await;
    let mut counts = Vec::new();
    for poison in ["none", "trap", "spin", "none"] {
        counts.push(host.ask(&warm, "count", "").await);
        host.events(&warm, &[(poison, "")]).await;
    }
    counts.push(host.ask(&warm, "count", "").await);
    assert_eq!(counts, ["1", "3", "1", "1", "3"]);
    let fresh = handler(&host, "isolation = \"fresh\"").await;
    for _ in 0..2 {
        assert_eq!(host.ask(&fresh, "count", "").await, "1");
    }
}

#[tokio::test]
async fn its_slots_are_its_own() {
    let host = Host::with(Config { slots: 1, async_slots: 1, ..config() }, None);
    let (plain, one, other) =
        (host.handler("").await, handler(&host, "").await, handler(&host, "timeout = \"29s\"").await);
    for _ in 0..2 {
        assert_eq!(host.ask(&one, "count", "").await, "1", "the other took the slot in between");
        assert_eq!(host.ask(&other, "count", "").await, "1");
    }
    assert_eq!(host.ask(&plain, "count", "").await, "1");
    let busy = host.call(&one, Call::Events(events(&[("sleep", "20")])));
    let turned_away = host.call(&other, Call::Events(events(&[("upper", "a")])));
    let elsewhere = host.call(&plain, Call::Events(events(&[("count", "")])));
    let (busy, turned_away, elsewhere) = tokio::join!(busy, turned_away, elsewhere);
    assert!(busy.reply.is_ok());
    assert_eq!(failed(turned_away), code::OVERLOADED);
    let Ok(Reply::Events(outcomes)) = elsewhere.reply else { panic!("the plain one has a slot of its own") };
    assert_eq!(told(&outcomes), ["ok 2"]);
}

#[tokio::test]
async fn requests_stream_through_it() {
    let host = Host::new();
    let server = host.deploy(&asynchronous("conformance_http"), "").await.unwrap();
    let sent = body::full(vec![b'x'; 300_000]);
    let request = http::Request::post("/echo").header("host", "example.com").body(sent).unwrap();
    let called = host.call(&server, Call::Http(request)).await;
    let Ok(Reply::Http(response)) = called.reply else { panic!("{:?}", called.reply.err()) };
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), 300_000);
    assert_eq!(finished(called.end).await.failure, None);
}

#[tokio::test]
async fn a_job_may_use_the_asynchronous_component_model() {
    let job = wat::parse_str(
        "(component
            (core func $new (canon waitable-set.new))
            (core func $drop (canon waitable-set.drop))
            (core module $code
                (import \"\" \"new\" (func $new (result i32)))
                (import \"\" \"drop\" (func $drop (param i32)))
                (func (export \"run\") (result i32) (call $drop (call $new)) i32.const 0))
            (core instance $code (instantiate $code
                (with \"\" (instance (export \"new\" (func $new)) (export \"drop\" (func $drop))))))
            (func $run (result (result)) (canon lift (core func $code \"run\")))
            (instance $entry (export \"run\" (func $run)))
            (export \"wasi:cli/run@0.2.0\" (instance $entry)))",
    );
    let host = Host::new();
    let job = host.deploy(&job.unwrap(), "").await.unwrap();
    let folder = TempDir::new().unwrap();
    let nothing_given = JobCall {
        params: serde_json::Map::new(),
        inputs: Vec::new(),
        out: folder.path().into(),
        seed: 1,
        as_of: "2020-05-06T07:08:09Z".parse().unwrap(),
        models: Vec::new(),
    };
    let called = host.call(&job, Call::Job(nothing_given)).await;
    let Ok(Reply::Job(reply)) = called.reply else { panic!("{:?}", called.reply.err()) };
    assert!(reply.outputs.is_empty());
}

/// A guest of another toolchain, where `cargo xtask test` has said where they are.
#[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
fn built(name: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("WEFT_TEST_GUESTS").unwrap_or_default();
    let guest = std::fs::read(Path::new(&folder).join(format!("{name}.wasm"))).ok();
    if guest.is_none() {
        eprintln!("not tried on {name}: `cargo xtask test` builds it, and names its folder in WEFT_TEST_GUESTS");
    }
    guest
}

#[tokio::test]
async fn quickjs_runs_on_it() {
    let Some(component) = built("javascript-small") else { return };
    let folder = TempDir::new().unwrap();
    let host = Host::with(Config { cache: folder.path().into(), ..config() }, None);
    let manifest = "[limits]\nmemory = \"64MiB\"\n[grants]\nmodel = [\"wine\"]\nkeyvalue = [\"default\"]\nconfig = { greeting = \"x\" }\n\
        publish = [{ name = \"next\", function = \"next\" }]\n[params]\ndo = \"x\"\n";
    let small = host.deploy(&component, manifest).await.unwrap();
    let mut all = engines(folder.path());
    all.sort();
    assert_eq!(all, ["async", "job"]);
    let batch = [("text", "grüß dich ☂"), ("invalid", "no"), ("error", "nobody thought of this"), ("huge", "70000")];
    let (outcomes, _) = host.events(&small, &batch).await;
    let first = outcomes[0].as_ref().unwrap_or_else(|it| panic!("{it:?}"));
    let text = String::from_utf8(first[0].data.to_vec()).unwrap();
    assert_eq!(text, r#"{"text":"grüß dich ☂","upper":"GRÜSS DICH ☂","characters":11,"bytes":15}"#);
    assert_eq!(told(&outcomes)[1..3], ["asked", "error"]);
    assert_eq!(outcomes[3].as_ref().unwrap()[0].data.len(), 70_000);
}
