//! Jobs see no world but their inputs: what they do is done again to the byte.

use serde_json::json;

use crate::{
    runs::{JOB, Ran},
    support::{Host, root},
};

const PIPELINE: &str = "
pipeline: sealed
steps:
  random: { function: job, params: { do: random }, cache: false }
  clock: { function: job, params: { do: clock, n: 5 }, cache: false }
  stamp: { function: job, params: { do: stamp }, cache: false }
  sleep: { function: job, params: { do: sleep, n: 86400000 }, cache: false }
  env: { function: job, params: { do: env }, cache: false }
  args: { function: job, params: { do: args }, cache: false }
  seed: { function: job, params: { do: seed }, cache: false }
  list: { function: job, params: { do: list, text: /in }, inputs: { data: stamp.out, other: stamp.out }, cache: false }
  stat: { function: job, params: { do: stat, text: /in/data }, inputs: { data: stamp.out }, cache: false }
  trials: { function: job, params: { do: random }, sweep: { grid: { n: [1, 2] } }, cache: false }
";

#[test]
fn two_runs_on_two_hosts_are_equal_to_the_byte() {
    let here = |seed: &str| -> Ran {
        let host = Host::start();
        host.deploy_job("job");
        host.submit_with(PIPELINE, &["--seed", seed]).done()
    };
    let (first, second, other) = (here("1"), here("1"), here("2"));
    assert_eq!(first.work(), second.work());
    assert_ne!(first.report("random"), other.report("random"), "another seed is another world");
    assert_ne!(first.report("trials#0"), first.report("trials#1"), "each trial has its own");
    assert_eq!(first.report("clock"), other.report("clock"), "time is not drawn");
    assert_eq!(*first.report("list"), json!(["data", "other"]));
    assert_eq!(*first.report("sleep"), json!({"slept_ms": 86_400_000}), "a day is over at once");
    assert_eq!(*first.report("env"), json!([]));
}

#[test]
fn a_reproduction_is_identical_and_takes_nothing_from_the_cache() {
    let host = Host::start();
    host.deploy_job("job");
    let run = host.submit(&PIPELINE.replace(", cache: false", "")).done();
    let comparison = host.json(&["runs", "reproduce", run.id()]);
    assert_eq!((&comparison["verdict"], &comparison["obstacles"]), (&json!("identical"), &json!([])));
    let again = host.shown(comparison["reproduction"].as_str().unwrap());
    assert_eq!(again.0["run"]["reproduces"], run.id());
    assert_eq!(again.work(), run.work());
    assert!(again.steps().iter().all(|it| it["cached_from"].is_null()), "it was done again");
}

#[test]
fn a_job_with_the_time_of_the_run_sees_it_and_is_reproduced() {
    let host = Host::start();
    host.deploy("job", "conformance-job.wasm", &format!("time = \"as-of\"\n{JOB}"));
    let run = host.submit("pipeline: dated\nsteps:\n  it: { function: job, params: { do: stamp } }\n").done();
    let as_of: jiff::Timestamp = run.0["run"]["as_of"].as_str().unwrap().parse().unwrap();
    assert_eq!(*run.report("it"), json!(as_of.as_second()));
    assert_eq!(host.json(&["runs", "reproduce", run.id()])["verdict"], "identical");
}

#[test]
fn a_job_with_the_real_time_is_not_comparable_and_the_reason_is_told() {
    let host = Host::start();
    host.deploy("job", "conformance-job.wasm", &format!("time = \"real\"\n{JOB}"));
    let run = host.submit("pipeline: live\nsteps:\n  it: { function: job, params: { do: stamp } }\n").done();
    let output = host.run(&["runs", "reproduce", run.id(), "--json"]);
    let comparison: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&comparison["verdict"], &comparison["obstacles"]),
        (&json!("not-comparable"), &json!(["step `it` sees the real time"]))
    );
    let differ = &comparison["outputs"][0];
    assert!(differ["before"] != differ["after"] && differ["first_difference"].is_u64(), "{differ}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("the runs are not comparable"), "{said}");
}

#[test]
fn a_plain_program_is_a_step_without_any_sdk() {
    let host = Host::start();
    for (name, target) in [("component", "wasm32-wasip2"), ("core", "wasm32-wasip1")] {
        let file = root().join("target").join(target).join("guest/conformance-command.wasm");
        if !file.is_file() {
            eprintln!("{} is missing: not every machine has the target {target}", file.display());
            continue;
        }
        host.deploy_job("job");
        let folder = host.function(
            name,
            "conformance-command.wasm",
            "[params]\nlevel = 3\n[inputs.data]\n[outputs.data]\n[outputs.report]\n",
        );
        let manifest = std::fs::read_to_string(folder.join("function.toml")).unwrap();
        std::fs::write(folder.join("function.toml"), manifest.replace("wasm32-wasip2", target)).unwrap();
        host.json(&["deploy", folder.to_str().unwrap()]);
        let run = host.submit(&format!(
            "pipeline: plain\nsteps:\n  a: {{ function: job, params: {{ do: write, text: quiet }} }}\n  b: {{ function: {name}, inputs: {{ data: a.out }} }}\n"
        ));
        let run = run.done();
        assert_eq!(host.bytes(run.output("b", "data")), b"QUIET");
        assert_eq!(host.bytes(run.output("b", "report")), b"argument --level=3\ninput data 5 bytes\n");
    }
}
