//! What people do to runs: conditions, cancelling, going on.

use serde_json::json;

use crate::{
    runs::JOB,
    support::{Host, Options, until},
};

#[test]
fn a_step_whose_condition_does_not_hold_is_skipped_with_all_that_need_it() {
    let host = Host::start();
    host.deploy_job("job");
    let yaml = "
pipeline: choosy
params: { most: 3 }
steps:
  measure: { function: job, params: { do: measure, text: '4' } }
  good: { function: job, params: { do: nothing }, when: measure.loss <= params.most }
  after: { function: job, params: { do: nothing }, needs: [good] }
  bad: { function: job, params: { do: nothing }, when: steps.measure.results.loss > params.most and params.most == 3 }
";
    let run = host.submit(yaml).done();
    assert_eq!(
        (run.those("done"), run.those("skipped")),
        (vec!["measure".into(), "bad".into()], vec!["good".into(), "after".into()])
    );
    let why = run.step("good")["failure"]["message"].as_str().unwrap();
    assert_eq!(why, "its condition does not hold: measure.loss <= params.most");
    let run = host.submit_with(yaml, &["-p", "most=5"]).done();
    assert_eq!(run.those("skipped"), ["bad"]);
}

#[test]
fn cancelling_stops_what_runs_and_what_waits_and_frees_its_place() {
    let host = Host::start_with(Options::default().env("WEFT_PIPELINES__STEPS_AT_ONCE", "1"));
    host.deploy_job("job");
    let id = host.launch("pipeline: long\nsteps:\n  spin: { function: job, params: { do: spin } }\n  after: { function: job, params: { do: nothing }, needs: [spin] }\n");
    until("the step to run", || Some(host.shown(&id)).filter(|it| it.those("running") == ["spin"]));
    let cancelled = host.json(&["runs", "cancel", &id]);
    assert_eq!(cancelled["state"], "cancelled");
    let run = host.shown(&id);
    assert!(run.states().iter().all(|(_, state)| *state == "cancelled"), "{:?}", run.states());
    assert_eq!(run.step("spin")["failure"]["code"], "cancelled");
    // The host has one place: this ends only because the spinning job is gone.
    host.submit("pipeline: next\nsteps:\n  it: { function: job, params: { do: nothing } }\n").done();

    let again = host.json(&["runs", "cancel", &id]);
    assert_eq!(again["state"], "cancelled", "twice is as good as once");
    let done = host.json(&["runs", "list", "--state", "done"])["items"][0]["id"].as_str().unwrap().to_owned();
    let (code, said) = host.fails(&["runs", "cancel", &done]);
    assert!(code == 4 && said.contains("is done, so it cannot be cancelled"), "{code}: {said}");
}

#[test]
fn whoever_follows_a_run_learns_that_it_was_cancelled() {
    let host = Host::start();
    host.deploy_job("job");
    let file = host.file("pipeline.yaml", "pipeline: long\nsteps:\n  spin: { function: job, params: { do: spin } }\n");
    let output = std::thread::scope(|scope| {
        let following = scope.spawn(|| host.run(&["pipeline", "submit", &file]));
        let id = until("the run", || host.json(&["runs", "list"])["items"][0]["id"].as_str().map(str::to_owned));
        host.json(&["runs", "cancel", &id]);
        following.join().unwrap()
    });
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("was cancelled"), "{said}");
}

const RETRIED: &str = "
pipeline: retried
steps:
  steady: { function: job, params: { do: write, text: a } }
  changed: { function: copier, params: { do: copy }, inputs: { data: steady.out } }
  after: { function: job, params: { do: copy }, inputs: { data: changed.data } }
  apart: { function: job, params: { do: copy }, inputs: { data: steady.out } }
  broken: { function: quota, params: { do: write, text: much too much }, needs: [apart] }
  last: { function: job, params: { do: copy }, inputs: { data: broken.out } }
";

#[test]
fn a_retry_runs_what_failed_and_what_changed_and_what_comes_after_these() {
    let host = Host::start();
    host.deploy_job("job");
    host.deploy(
        "copier",
        "conformance-command.wasm",
        "[inputs.data]\n[outputs.data]\n[outputs.report]\n[params]\ndo = \"\"\n",
    );
    host.deploy("quota", "conformance-job.wasm", &format!("[limits]\noutput = \"1B\"\n{JOB}"));
    let before = host.submit(RETRIED);
    assert_eq!(
        (before.state(), before.those("failed"), before.those("skipped")),
        ("failed", vec!["broken".into()], vec!["last".into()])
    );
    assert_eq!(host.bytes(before.output("after", "data")), b"A", "the first copier writes upper case");

    host.deploy("quota", "conformance-job.wasm", JOB);
    host.deploy_job("copier");
    let after = host.retried(before.id()).done();
    assert_eq!(after.id(), before.id());
    for (step, attempt) in [("steady", 1), ("changed", 2), ("after", 2), ("apart", 1), ("broken", 2), ("last", 1)] {
        assert_eq!(after.step(step)["attempt"], attempt, "{step}");
    }
    for untouched in ["steady", "apart"] {
        assert_eq!(after.step(untouched), before.step(untouched));
    }
    assert_eq!(host.bytes(after.output("after", "data")), b"a");
    assert_eq!(host.bytes(after.output("last", "data")), b"much too much");
    assert_eq!(after.step("broken")["function"]["number"], 2);
    let (code, said) = host.fails(&["runs", "retry", after.id()]);
    assert!(code == 4 && said.contains("is done, so it cannot be retried"), "{code}: {said}");
}

#[test]
fn a_cancelled_run_goes_on_where_it_stopped() {
    let host = Host::start();
    host.deploy_job("job");
    host.deploy("waiter", "conformance-job.wasm", JOB);
    let id = host.launch(
        "
pipeline: paused
steps:
  first: { function: job, params: { do: write, text: x } }
  tries: { function: waiter, params: { do: spin }, sweep: { grid: { n: [1, 2] }, parallel: 1 }, needs: [first] }
",
    );
    until("the sweep to run", || {
        Some(host.shown(&id)).filter(|it| it.those("running").contains(&"tries#0".to_owned()))
    });
    host.json(&["runs", "cancel", &id]);
    host.deploy("waiter", "conformance-command.wasm", "[outputs.report]\n[params]\ndo = \"\"\nn = 0\n");
    let run = host.retried(&id).done();
    assert_eq!(run.step("first")["attempt"], 1);
    assert_eq!(run.those("done"), ["first", "tries", "tries#0", "tries#1"]);
}

#[test]
fn a_retry_gives_a_step_all_of_its_attempts_again() {
    let host = Host::start();
    host.deploy_job("job");
    let run = host.submit("pipeline: shaky\nsteps:\n  it: { function: job, params: { do: flaky, n: 4 }, retry: { attempts: 2, backoff: 10ms } }\n");
    assert_eq!((run.state(), &run.step("it")["attempt"]), ("failed", &json!(2)));
    let run = host.retried(run.id()).done();
    assert_eq!(run.step("it")["attempt"], 4);
}
