//! Equal work is done once.

use serde_json::json;

use crate::{runs::Ran, support::Host};

const PIPELINE: &str = "
pipeline: cached
params: { text: hello }
steps:
  write: { function: job, params: { do: write, text: '${params.text}' } }
  copy: { function: job, params: { do: copy }, inputs: { data: write.out } }
  again: { function: job, params: { do: copy }, inputs: { data: write.out }, cache: false }
  try:
    function: job
    params: { do: write }
    sweep: { grid: { text: [a, b] } }
";

/// The steps whose work was taken from elsewhere.
fn cached(run: &Ran) -> Vec<String> {
    let taken = run.steps().iter().filter(|it| it["cached_from"].is_string());
    taken.map(crate::runs::label).collect()
}

#[test]
fn an_equal_run_is_all_cached_but_for_what_must_not_be() {
    let host = Host::start();
    host.deploy_job("job");
    let first = host.submit(PIPELINE).done();
    assert_eq!(cached(&first), [""; 0], "copies of one run are work of two steps");
    let second = host.submit(PIPELINE).done();
    assert_eq!(cached(&second), ["write", "copy", "try#0", "try#1"]);
    assert_eq!(second.step("copy")["cached_from"], first.id());
    assert_eq!(first.work(), second.work());
    let third = host.submit(PIPELINE).done();
    assert_eq!(third.step("copy")["cached_from"], first.id(), "whoever did the work is named, not who took it last");
}

#[test]
fn another_param_seed_or_code_is_other_work() {
    let host = Host::start();
    host.deploy_job("job");
    host.submit(PIPELINE).done();
    let other = host.submit_with(PIPELINE, &["-p", "text=bye"]).done();
    assert_eq!(cached(&other), ["try#0", "try#1"]);
    let seeded = host.submit_with(PIPELINE, &["--seed", "1"]).done();
    assert_eq!(cached(&seeded), [""; 0]);
    host.deploy("job", "conformance-job.wasm", &format!("description = \"other bytes\"\n{}", crate::runs::JOB));
    let redeployed = host.submit(PIPELINE).done();
    assert_eq!(cached(&redeployed), [""; 0]);
}

#[test]
fn what_sees_the_real_time_is_done_again() {
    let host = Host::start();
    host.deploy("job", "conformance-job.wasm", &format!("time = \"real\"\n{}", crate::runs::JOB));
    let yaml =
        |cache: &str| format!("pipeline: real\nsteps:\n  it: {{ function: job, params: {{ do: stamp }}{cache} }}\n");
    host.submit(&yaml("")).done();
    assert_eq!(cached(&host.submit(&yaml("")).done()), [""; 0]);
    let forced = host.submit(&yaml(", cache: true")).done();
    assert_eq!(cached(&host.submit(&yaml(", cache: true")).done()), ["it"], "unless it is told not to");
    assert_eq!(forced.step("it")["state"], json!("done"));
}
