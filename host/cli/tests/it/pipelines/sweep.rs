//! Sweeps: many trials of one step, and the best of them.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{
    runs::Ran,
    support::{Host, Options, until},
};

fn sweep(host: &Host, action: &str, sweep: &str) -> Ran {
    host.submit(&format!(
        "pipeline: swept\nsteps:\n  try: {{ function: job, params: {{ do: {action} }}, sweep: {{ {sweep} }} }}\n"
    ))
}

/// What makes each trial, in order.
fn trials(run: &Ran) -> Vec<Value> {
    let chosen = |it: &Value| json!([it["params"]["n"], it["params"]["text"]]);
    run.steps().iter().filter(|it| it["trial"].is_u64()).map(chosen).collect()
}

#[test]
fn the_first_key_of_a_grid_changes_fastest() {
    let host = Host::start();
    host.deploy_job("job");
    let run = sweep(&host, "params", "grid: { n: [1, 2, 3], text: [a, b] }").done();
    assert_eq!(json!(trials(&run)), json!([[1, "a"], [2, "a"], [3, "a"], [1, "b"], [2, "b"], [3, "b"]]));
    assert_eq!(run.states().len(), 7, "the step and every trial are on record");
    assert_eq!(run.step("try#4")["results"]["report"], json!({"n": 2, "text": "b", "rest": {}}));
    assert_eq!(run.step("try")["results"], json!({}), "without a selector the step has no results of its own");
}

#[test]
fn a_list_is_tried_as_it_stands() {
    let host = Host::start();
    host.deploy_job("job");
    let run = sweep(&host, "params", "list: [{ n: 5, text: x }, { n: 5 }, { text: y }]").done();
    assert_eq!(json!(trials(&run)), json!([[5, "x"], [5, null], [null, "y"]]));
}

#[test]
fn random_draws_nothing_twice_and_the_same_again_for_the_same_seed() {
    let host = Host::start();
    host.deploy_job("job");
    let space = "random: { trials: 12, params: { n: { integer: [0, 3] }, text: { choice: [a, b, c] } } }";
    let run = sweep(&host, "params", space).done();
    let drawn = trials(&run);
    let distinct: HashSet<String> = drawn.iter().map(ToString::to_string).collect();
    assert_eq!((drawn.len(), distinct.len()), (12, 12), "every one of the twelve: {drawn:?}");
    assert_eq!(trials(&sweep(&host, "params", space)), drawn);
    let fewer = sweep(
        &host,
        "params",
        "random: { trials: 3, seed: 5, params: { n: { integer: [0, 3] }, text: { choice: [a, b, c] } } }",
    );
    assert_eq!(trials(&fewer).len(), 3);
    let more = sweep(&host, "params", "random: { trials: 50, params: { n: { integer: [0, 3] } } }");
    assert_eq!(trials(&more).len(), 4, "there are no more to draw");
}

#[test]
fn the_best_is_right_for_negatives_and_nan_and_ties_go_to_the_first() {
    let host = Host::start();
    host.deploy_job("job");
    for (values, select, best) in [
        ("['1', '-2', '-1']", "min.loss", "-2"),
        ("['-1', '-2', '-1.5']", "max.loss", "-1"),
        ("['NaN', '3', 'NaN']", "min.loss", "3"),
        ("['NaN', '-inf', '-7']", "max.loss", "-7"),
        ("['inf', '1', '2']", "max.loss", "inf"),
        ("['2', '1', '1.0', '1e0']", "min.loss", "1"),
    ] {
        let run = sweep(&host, "measure", &format!("grid: {{ text: {values} }}, select: {select}")).done();
        assert_eq!(*run.report("try"), json!(best), "{select} of {values}");
        assert_eq!(host.bytes(run.output("try", "out")), best.as_bytes(), "its outputs are the step's");
        assert_eq!(run.step("try")["params"]["text"], best);
    }
}

#[test]
fn a_sweep_without_a_number_to_choose_by_fails_and_says_why() {
    let host = Host::start();
    host.deploy_job("job");
    let run = sweep(&host, "measure", "grid: { text: ['NaN', 'x'] }, select: min.loss");
    assert_eq!(run.state(), "failed");
    assert_eq!(run.step("try")["failure"]["message"], "no trial gave `loss`; 1 of 2 failed");
    assert_eq!(run.step("try#1")["failure"]["code"], "bad-number");
    let run = sweep(&host, "measure", "grid: { text: ['5', 'x', '4'] }, select: min.loss").done();
    assert_eq!(*run.report("try"), json!("4"), "a trial that fails does not spoil the sweep");
    let run = sweep(&host, "measure", "grid: { text: ['5', 'x'] }");
    assert_eq!(
        run.step("try")["failure"]["message"],
        "1 of 2 trials failed",
        "where none is chosen, all have to be done"
    );
}

#[test]
fn no_more_trials_run_than_the_sweep_allows() {
    let host = Host::start_with(Options::default().env("WEFT_PIPELINES__STEPS_AT_ONCE", "4"));
    host.deploy_job("job");
    let id = host.launch(
        "pipeline: swept\nsteps:\n  try: { function: job, params: { do: spin }, sweep: { grid: { n: [1, 2, 3, 4, 5] }, parallel: 2 } }\n",
    );
    let run = until("two trials at once", || {
        Some(host.shown(&id)).filter(|it| it.those("running") == ["try", "try#0", "try#1"])
    });
    assert_eq!(run.those("waiting"), ["try#2", "try#3", "try#4"], "although the host would have room");
    host.json(&["runs", "cancel", &id]);
    let over = host.ended(&id);
    assert!(over.states().iter().all(|(_, state)| *state == "cancelled"), "{:?}", over.states());
}

#[test]
fn a_trial_that_is_good_enough_is_the_last_that_counts() {
    let host = Host::start();
    host.deploy_job("job");
    let grid = "grid: { text: ['5', '3', '1', '0', '-1'] }, select: min.loss, stop_when: 'loss <= 3'";
    let run = sweep(&host, "measure", &format!("{grid}, parallel: 1")).done();
    assert_eq!(run.those("done"), ["try", "try#0", "try#1"]);
    assert_eq!(run.those("skipped"), ["try#2", "try#3", "try#4"]);
    assert_eq!(run.step("try#2")["failure"]["message"], "an earlier trial was good enough");
    assert_eq!(*run.report("try"), json!("3"));
    let wide = sweep(&host, "measure", &format!("{grid}, parallel: 5")).done();
    assert_eq!(*wide.report("try"), json!("3"), "the result does not depend on who was faster");
}

#[test]
fn the_outputs_of_the_best_trials_are_kept_and_every_trial_stays_on_record() {
    let host = Host::start();
    host.deploy_job("job");
    let run = sweep(&host, "measure", "grid: { text: ['4', '2', '3', '1'] }, select: min.loss, keep: 2").done();
    let listed = host.json(&["artifacts", "list", "--run", run.id()]);
    let mut steps: Vec<_> = listed["items"].as_array().unwrap().iter().map(|it| it["step"].as_str().unwrap()).collect();
    steps.sort_unstable();
    assert_eq!(steps, ["try", "try#1", "try#3"]);
    for (trial, loss) in [("try#0", 4.0), ("try#1", 2.0), ("try#2", 3.0), ("try#3", 1.0)] {
        assert_eq!(run.step(trial)["results"]["loss"], json!(loss));
    }
}

#[test]
fn what_follows_a_sweep_gets_the_best() {
    let host = Host::start();
    host.deploy_job("job");
    let run = host
        .submit(
            "
pipeline: chosen
steps:
  try: { function: job, params: { do: measure }, sweep: { list: [{ text: '2' }, { text: '-3' }, { text: '1' }], select: min.loss } }
  after: { function: job, params: { do: copy, text: 'loss ${steps.try.results.loss}' }, inputs: { data: try.out } }
",
        )
        .done();
    assert_eq!(host.bytes(run.output("after", "data")), b"-3");
    assert_eq!(run.step("after")["params"]["text"], "loss -3.0");
}
