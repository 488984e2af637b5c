//! Jobs: params in, files in and out, and a world that is the same every time.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use futures_util::FutureExt as _;
use host_core::{
    Digest,
    artifact::Kind,
    call::{Call, CallContext, Finished, JobCall, JobInput, JobReply, Reply},
    event::{Failure, FailureKind, code},
    function::Revision,
    ports::{Invoke, NoTrack},
    record::Stream,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::{Host, config, context, guest};

/// What a run of a job left behind.
struct Ran {
    reply: Result<JobReply, Failure>,
    end: Finished,
    results: Map<String, Value>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Ran {
    /// What the job reported of itself.
    fn report(&self) -> &Value {
        if let Err(failure) = &self.reply {
            panic!("{failure:?}");
        }
        &self.results["report"]
    }

    fn failure(&self) -> &Failure {
        self.reply.as_ref().unwrap_err()
    }
}

fn params(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Inputs as files of `folder`.
fn inputs(folder: &Path, files: &[(&str, &[u8])]) -> Vec<JobInput> {
    let input = |(name, bytes): &(&str, &[u8])| {
        let path = folder.join(format!("host-copy-of-{name}"));
        std::fs::write(&path, bytes).unwrap();
        JobInput { name: (*name).into(), path, digest: Digest::of(bytes), kind: Kind::Dataset, media_type: None }
    };
    files.iter().map(input).collect()
}

async fn run_with(
    host: &Host,
    job: &Arc<Revision>,
    given: Value,
    files: &[(&str, &[u8])],
    seed: u64,
    mut surroundings: CallContext,
) -> Ran {
    let (inside, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let track = Arc::new(NoTrack::default());
    surroundings.track = Some(track.clone());
    let call = JobCall {
        params: params(given),
        inputs: inputs(inside.path(), files),
        out: out.path().into(),
        seed,
        as_of: "2020-05-06T07:08:09Z".parse().unwrap(),
        models: Vec::new(),
    };
    let called = host.engine.call(job.clone(), surroundings, Call::Job(call)).await;
    let reply = called.reply.map(|reply| match reply {
        Reply::Job(reply) => reply,
        _ => panic!("another kind of reply"),
    });
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap())
    };
    let files = std::fs::read_dir(out.path()).unwrap().map(read).collect();
    Ran { reply, end: crate::support::finished(called.end).await, results: track.results(), files }
}

async fn run(host: &Host, job: &Arc<Revision>, given: Value) -> Ran {
    run_with(host, job, given, &[("b", b"bee"), ("a", b"ay")], 7, context()).await
}

/// The conformance job; its outputs are optional unless the test says otherwise.
async fn job(host: &Host, manifest: &str) -> Arc<Revision> {
    let grants = "[grants]\nmodel = [\"wine\"]\n";
    host.deploy(&guest("conformance-job"), &format!("{manifest}\n{grants}")).await.unwrap()
}

const OUT: &str = "[outputs.out]\noptional = true\n";

#[tokio::test]
async fn a_job_copies_its_inputs_to_its_outputs() {
    let host = Host::new();
    let job = job(&host, "").await;
    let ran = run(&host, &job, json!({ "do": "copy" })).await;
    assert_eq!(ran.report(), &json!(["b", "a"]), "inputs come in the order they were given");
    assert_eq!(ran.reply.unwrap().outputs, ["a", "b"], "outputs come in order of name");
    assert_eq!((ran.files["a"].as_slice(), ran.files["b"].as_slice()), (&b"ay"[..], &b"bee"[..]));
    let usage = ran.end.usage;
    assert_eq!((usage.bytes_in, usage.bytes_out, usage.fresh), (5, 5, true));
    assert!(usage.cpu_us > 0 && usage.memory_bytes > 0);
}

#[tokio::test]
async fn a_program_in_any_language_is_a_job() {
    let host = Host::new();
    let command = host.deploy(&guest("conformance-command"), "").await.unwrap();
    let ran = run(&host, &command, json!({ "rate": 0.5, "name": "a b", "report": "yes" })).await;
    assert_eq!(ran.reply.as_ref().unwrap().outputs, ["a", "b", "report"]);
    let report = String::from_utf8(ran.files["report"].clone()).unwrap();
    let expected =
        "argument --rate=0.5\nargument --name=a b\nargument --report=yes\ninput a 2 bytes\ninput b 3 bytes\n";
    assert_eq!(report, expected);
    assert_eq!(host.lines.of(Stream::Stdout), ["5 lines reported"]);
    let ran = run(&host, &command, json!({ "exit": 3 })).await;
    assert_eq!((ran.failure().kind, ran.failure().code.as_str()), (FailureKind::Fatal, code::EXIT));
}

#[tokio::test]
async fn a_core_module_for_preview_1_is_a_job() {
    let module = wat::parse_str(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "\08\00\00\00\06\00\00\00hello\n")
            (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))))"#,
    );
    let host = Host::new();
    let job = host.deploy(&module.unwrap(), "").await.unwrap();
    let ran = run(&host, &job, json!({})).await;
    assert!(ran.reply.is_ok(), "{:?}", ran.reply);
    assert_eq!(host.lines.of(Stream::Stdout), ["hello"]);
}

#[tokio::test]
async fn params_arrive_typed_and_as_arguments() {
    let host = Host::new();
    let job = job(&host, "").await;
    let given = json!({ "do": "params", "n": 3, "text": "é", "other": [1, null] });
    let ran = run(&host, &job, given.clone()).await;
    assert_eq!(ran.report(), &json!({ "n": 3, "text": "é", "rest": { "other": [1, null] } }));
    let ran = run(&host, &job, json!({ "do": "args", "deep": true })).await;
    assert_eq!(ran.report(), &json!(["subject", "--do=args", "--deep=true"]));
    let ran = run(&host, &job, json!({ "do": "env" })).await;
    assert_eq!(ran.report(), &json!([]));
}

#[tokio::test]
async fn the_clock_starts_where_the_manifest_says_and_moves_by_itself() {
    let host = Host::new();
    let constant = job(&host, "").await;
    let ran = run(&host, &constant, json!({ "do": "clock", "n": 2 })).await;
    let readings = &ran.report()["readings"];
    assert_eq!(readings[0]["seconds"], 946_684_800, "2000-01-01");
    let nanos = |index: usize| readings[index]["nanoseconds"].as_u64().unwrap();
    assert_eq!(nanos(1) - nanos(0), 2000, "a microsecond for each reading of either clock");
    let as_of = job(&host, "time = \"as-of\"\n").await;
    let ran = run(&host, &as_of, json!({ "do": "clock", "n": 1 })).await;
    assert_eq!(ran.report()["readings"][0]["seconds"], 1_588_748_889);
    let real = job(&host, "time = \"real\"\n").await;
    let ran = run(&host, &real, json!({ "do": "clock", "n": 1 })).await;
    assert!(ran.report()["readings"][0]["seconds"].as_u64().unwrap() > 1_700_000_000);
}

#[tokio::test]
async fn a_sleep_takes_its_time_on_the_jobs_clock_only() {
    let host = Host::new();
    let job = job(&host, "[limits]\ntimeout = \"30s\"\n").await;
    let hour = 3_600_000_u64;
    let ran = run(&host, &job, json!({ "do": "sleep", "n": hour })).await;
    assert_eq!(ran.report()["slept_ms"], hour);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_numbers_and_another_gives_others() {
    let host = Host::new();
    let job = job(&host, "").await;
    let numbers = async |seed| {
        let ran = run_with(&host, &job, json!({ "do": "random" }), &[], seed, context()).await;
        ran.report().clone()
    };
    let first = numbers(7).await;
    assert_eq!(first, numbers(7).await);
    let other = numbers(8).await;
    for source in ["bytes", "number", "insecure", "insecure_seed", "hash"] {
        assert_ne!(first[source], other[source], "{source}");
    }
    let ran = run(&host, &job, json!({ "do": "seed" })).await;
    assert_eq!(ran.report(), "7");
}

#[tokio::test]
async fn listings_are_sorted_and_files_say_nothing_of_the_host() {
    let host = Host::new();
    let job = job(&host, "").await;
    let files: &[(&str, &[u8])] = &[("zeta", b"1"), ("alpha", b"22"), ("mid", b"")];
    let ran = run_with(&host, &job, json!({ "do": "list", "text": "/in" }), files, 7, context()).await;
    assert_eq!(ran.report(), &json!(["alpha", "mid", "zeta"]));
    let ran = run_with(&host, &job, json!({ "do": "stat", "text": "/in/alpha" }), files, 7, context()).await;
    assert_eq!((&ran.report()["bytes"], &ran.report()["is_file"]), (&json!(2), &json!(true)));
    assert_eq!(ran.report()["modified_ns"], "946684800000000000");
}

#[tokio::test]
async fn nothing_is_read_or_written_outside_its_folders() {
    let host = Host::new();
    let job = job(&host, "").await;
    let ran = run(&host, &job, json!({ "do": "escape" })).await;
    for attempt in ["reads", "writes"].iter().flat_map(|it| ran.report()[*it].as_array().unwrap()) {
        assert!(attempt["tried"]["error"].is_string(), "{attempt}");
    }
    assert!(ran.files.is_empty());
    for action in ["write-at", "delete"] {
        let ran = run(&host, &job, json!({ "do": action, "text": "/in/a" })).await;
        assert!(ran.report()["error"].is_string(), "{}", ran.report());
    }
    let ran = run(&host, &job, json!({ "do": "link", "text": "/in/a" })).await;
    assert!(ran.report()["symbolic"]["error"].is_string() && ran.report()["hard"]["error"].is_string());
    assert_eq!(ran.report()["is_there"], false);
}

#[tokio::test]
async fn outputs_must_be_declared_and_be_files() {
    let host = Host::new();
    let job = job(&host, OUT).await;
    let ran = run(&host, &job, json!({ "do": "undeclared", "text": "extra" })).await;
    let message = &ran.failure().message;
    assert!(message.contains("add [outputs.extra] to function.toml"), "{message}");
    let ran = run(&host, &job, json!({ "do": "folder", "text": "out" })).await;
    assert!(ran.failure().message.contains("outputs are files"), "{}", ran.failure().message);
    assert!(ran.files.is_empty());
}

#[tokio::test]
async fn a_promised_output_that_is_missing_fails_the_job() {
    let host = Host::new();
    let job = job(&host, "[outputs.out]\n").await;
    let ran = run(&host, &job, json!({ "do": "nothing" })).await;
    assert_eq!((ran.failure().kind, ran.failure().code.as_str()), (FailureKind::Fatal, code::MISSING_OUTPUT));
    let ran = run(&host, &job, json!({ "do": "write", "text": "there" })).await;
    assert_eq!(ran.reply.unwrap().outputs, ["out"]);
}

#[tokio::test]
async fn what_a_job_writes_is_bounded_in_bytes_and_files() {
    let host = Host::with(host_engine::Config { job_files: 5, ..config() }, None);
    let small = job(&host, &format!("[limits]\noutput = \"4MiB\"\n{OUT}")).await;
    let ran = run(&host, &small, json!({ "do": "flood", "n": 100 })).await;
    assert_eq!((ran.failure().kind, ran.failure().code.as_str()), (FailureKind::Fatal, code::QUOTA));
    assert!(ran.files["out"].len() <= 4 << 20);
    let ran = run(&host, &small, json!({ "do": "flood", "n": 4 })).await;
    assert!(ran.reply.is_ok(), "{:?}", ran.reply);
    let any = job(&host, "").await;
    let ran = run(&host, &any, json!({ "do": "many", "n": 6 })).await;
    assert_eq!(ran.failure().code, code::QUOTA);
    assert_eq!(ran.files.len(), 5);
}

#[tokio::test]
async fn how_a_job_ends_decides_what_is_done_about_it() {
    let host = Host::new();
    let job = job(&host, OUT).await;
    let failures = [
        (json!({ "do": "exit", "n": 1 }), FailureKind::Fatal, code::EXIT),
        (json!({ "do": "invalid", "text": "bad rows" }), FailureKind::Invalid, "asked"),
        (json!({ "do": "transient", "text": "later", "n": 9 }), FailureKind::Transient, "asked"),
        (json!({ "do": "fatal", "text": "broken" }), FailureKind::Fatal, "asked"),
        (json!({ "do": "trap" }), FailureKind::Transient, code::TRAP),
    ];
    for (given, kind, code) in failures {
        let ran = run(&host, &job, given.clone()).await;
        assert_eq!((ran.failure().kind, ran.failure().code.as_str()), (kind, code), "{given}");
        assert_eq!(ran.end.failure.as_ref(), Some(ran.failure()));
    }
    assert!(run(&host, &job, json!({ "do": "exit", "n": 0 })).await.reply.is_ok());
    let ran = run(&host, &job, json!({ "do": "no such thing" })).await;
    assert_eq!(ran.failure().code, "unknown-behaviour");
}

#[tokio::test]
async fn a_job_is_bounded_in_time_and_memory_and_can_be_cancelled() {
    let host = Host::new();
    let job = job(&host, "[limits]\ntimeout = \"300ms\"\nmemory = \"32MiB\"\n").await;
    let ran = run(&host, &job, json!({ "do": "spin" })).await;
    assert_eq!(ran.failure().code, code::DEADLINE);
    let ran = run(&host, &job, json!({ "do": "bomb" })).await;
    assert_eq!(ran.failure().code, code::MEMORY_LIMIT);
    assert!(ran.end.usage.memory_bytes <= 32 << 20);
    let surroundings = context();
    surroundings.cancelled.cancel();
    let ran = run_with(&host, &job, json!({ "do": "spin" }), &[], 7, surroundings).await;
    assert_eq!(ran.failure().code, code::CANCELLED);
}

#[test]
fn a_job_nobody_waits_for_any_more_stops_even_without_its_engine() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let host = Host::new();
        let job = job(&host, "").await;
        let spinning = run(&host, &job, json!({ "do": "spin" }));
        assert!(spinning.now_or_never().is_none(), "it spins for an hour, and is dropped right here");
    });
    // Returns once the job's thread is done.
    drop(runtime);
}

#[tokio::test]
async fn what_a_job_records_arrives() {
    let host = Host::new();
    let job = job(&host, "[outputs.table]\noptional = true\n").await;
    let ran = run(&host, &job, json!({ "do": "record", "n": 3 })).await;
    assert_eq!(ran.results["nested"], json!({ "list": [1, 2.5, null, "é"] }));
    let ran = run(&host, &job, json!({ "do": "describe", "text": "table" })).await;
    let refused = ran.report()["refused"].as_str().unwrap();
    assert!(refused.contains("declares no output `undeclared`"), "{refused}");
    assert_eq!(ran.files["table"], b"a,b\n1,2\n");
    let ran = run(&host, &job, json!({ "do": "inputs" })).await;
    let input = &ran.report()[0];
    assert_eq!((&input["name"], &input["path"], &input["kind"]), (&json!("b"), &json!("/in/b"), &json!("dataset")));
    assert_eq!(input["digest"], Digest::of(b"bee").to_string());
}

#[tokio::test]
async fn a_job_runs_twice_to_the_same_bytes() {
    let host = Host::new();
    let job = job(&host, "").await;
    let actions = [json!({ "do": "random" }), json!({ "do": "clock", "n": 5 }), json!({ "do": "list", "text": "/in" })];
    for action in actions {
        let (first, second) = (run(&host, &job, action.clone()).await, run(&host, &job, action).await);
        assert_eq!(first.report(), second.report());
        assert_eq!(first.files, second.files);
    }
}
