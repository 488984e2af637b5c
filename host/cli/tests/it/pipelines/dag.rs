//! Steps run after what they wait for, and side by side where they wait for nothing.

use jiff::Timestamp;

use crate::{
    runs::Ran,
    support::{Host, Options, until},
};

/// The last step comes first: the order of the text means nothing.
const SEVEN: &str = "
pipeline: seven
steps:
  g: { function: job, params: { do: copy }, inputs: { data: d.data, other: f.data }, needs: [e] }
  a: { function: job, params: { do: write, text: seed } }
  b: { function: job, params: { do: copy }, inputs: { data: a.out } }
  c: { function: job, params: { do: copy }, inputs: { data: a.out } }
  d: { function: job, params: { do: copy }, inputs: { data: b.data, other: c.data } }
  e: { function: job, params: { do: nothing }, needs: [d] }
  f: { function: job, params: { do: copy }, inputs: { data: c.data } }
";

fn time(run: &Ran, step: &str, key: &str) -> Timestamp {
    run.step(step)[key].as_str().unwrap().parse().unwrap()
}

#[test]
fn a_dag_of_seven_runs_in_the_order_of_its_dependencies() {
    let host = Host::start();
    host.deploy_job("job");
    let run = host.submit(SEVEN).done();
    assert!(run.attempts().iter().all(|(_, attempt)| *attempt == 1), "{:?}", run.attempts());
    for (first, then) in
        [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e"), ("c", "f"), ("e", "g"), ("f", "g")]
    {
        assert!(time(&run, first, "finished_at") <= time(&run, then, "started_at"), "{first} before {then}");
    }
    assert_eq!(host.bytes(run.output("g", "data")), b"seed");
    assert_eq!(run.output("g", "other"), run.output("a", "out"), "equal bytes are one artifact");
}

#[test]
fn steps_that_wait_for_nothing_run_side_by_side() {
    let host = Host::start_with(Options::default().env("WEFT_PIPELINES__STEPS_AT_ONCE", "3"));
    host.deploy_job("job");
    let spin = "{ function: job, params: { do: spin } }";
    let id = host.launch(&format!("pipeline: wide\nsteps:\n  a: {spin}\n  b: {spin}\n  c: {spin}\n  d: {spin}\n"));
    let run = until("three steps at once", || Some(host.shown(&id)).filter(|it| it.those("running").len() == 3));
    assert_eq!(run.those("ready").len(), 1, "the host has no place for a fourth: {:?}", run.states());
    host.json(&["runs", "cancel", &id]);
}

#[test]
fn what_waits_for_a_failed_step_is_skipped_and_the_rest_is_not() {
    let host = Host::start();
    host.deploy_job("job");
    let run = host.submit(
        "
pipeline: broken
steps:
  bad: { function: job, params: { do: fatal, text: no luck } }
  after: { function: job, params: { do: nothing }, needs: [bad] }
  later: { function: job, params: { do: nothing }, needs: [after] }
  apart: { function: job, params: { do: nothing } }
",
    );
    assert_eq!(run.state(), "failed");
    let states: Vec<_> = run.states().into_iter().map(|it| it.1).collect();
    assert_eq!(states, ["failed", "skipped", "skipped", "done"]);
    assert_eq!(run.0["run"]["failure"]["message"], "step `bad`: no luck");
    assert_eq!(run.step("after")["failure"]["message"], "step `bad` failed");
    assert_eq!(run.step("later")["failure"]["message"], "step `after` was skipped");
}
