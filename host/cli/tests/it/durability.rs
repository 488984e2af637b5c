//! A host that dies at any moment: what was done stays done, the rest is done after the restart, and nothing twice.

use serde_json::{Value, json};

use crate::{
    runs::{Ran, label},
    support::{Host, Options, until},
};

/// Long enough that a host can die in the middle of it: chains, a sweep, results that others read, big outputs.
pub(crate) const PIPELINE: &str = "
pipeline: durable
steps:
  begin: { function: job, params: { do: write, text: seed }, cache: false }
  left: { function: job, params: { do: flood, n: 12 }, needs: [begin], cache: false }
  right: { function: job, params: { do: copy }, inputs: { data: begin.out }, cache: false }
  draw: { function: job, params: { do: random }, needs: [right], cache: false }
  learn: { function: job, params: { do: record, n: 40 }, inputs: { data: left.out }, cache: false }
  try:
    function: job
    params: { do: measure }
    inputs: { data: left.out }
    needs: [draw]
    sweep: { grid: { text: ['4', '2', '7', '1', '3'] }, select: min.loss, parallel: 2, keep: 2 }
    cache: false
  tell: { function: job, params: { do: write, text: 'best ${steps.try.results.loss}' }, cache: false }
  choose: { function: job, params: { do: copy }, inputs: { data: try.out, other: left.out }, cache: false }
  never: { function: job, params: { do: nothing }, when: try.loss > 1, cache: false }
  end: { function: job, params: { do: copy }, inputs: { data: choose.data, other: tell.out }, cache: false }
";

/// How many steps and trials of it are over at the end.
const STEPS: usize = 15;

fn brisk() -> Options {
    Options::default()
        .env("WEFT_PIPELINES__LEASE_MS", "1000")
        .env("WEFT_PIPELINES__HEARTBEAT_MS", "100")
        .env("WEFT_PIPELINES__POLL_MS", "20")
}

/// The steps and trials that are over, as they are on record.
fn over(run: &Ran) -> Vec<Value> {
    let is_over = |it: &&Value| ["done", "failed", "skipped", "cancelled"].contains(&it["state"].as_str().unwrap());
    run.steps().iter().filter(is_over).cloned().collect()
}

#[test]
fn a_host_killed_at_any_moment_repeats_nothing_that_was_done() {
    let mut host = Host::start_with(brisk());
    host.deploy_job("job");
    let whole = host.shown(host.submit(PIPELINE).done().id());
    assert_eq!(over(&whole).len(), STEPS, "{:?}", whole.states());
    for point in 0..STEPS {
        let id = host.launch(PIPELINE);
        let before = until("the moment to die", || Some(over(&host.shown(&id))).filter(|it| it.len() >= point));
        host.kill();
        host.restart();
        let run = host.ended(&id).done();
        for step in &before {
            assert_eq!(run.step(&label(step)), step, "killed at {point}, and a step that was over has changed");
        }
        assert!(run.attempts().iter().all(|(_, attempt)| *attempt <= 2), "killed at {point}: {:?}", run.attempts());
        assert_eq!(run.work(), whole.work(), "killed at {point}: what came out is what always comes out");
        assert_eq!(metrics(&run), metrics(&whole), "killed at {point}: no value of a metric is lost or there twice");
    }
}

/// Step, name, value and step of every metric.
fn metrics(run: &Ran) -> Vec<Value> {
    let all = run.0["metrics"].as_array().unwrap();
    all.iter().map(|it| json!([label(it), it["name"], it["value"], it["at_step"]])).collect()
}

#[test]
fn a_host_killed_again_and_again_during_one_run_brings_it_to_its_end() {
    let mut host = Host::start_with(brisk());
    host.deploy_job("job");
    let whole = host.shown(host.submit(PIPELINE).done().id());
    let id = host.launch(PIPELINE);
    let mut seen: Vec<Value> = Vec::new();
    for _ in 0..6 {
        // Each time a little further, so that no step loses its host more often than it may.
        let most = seen.len() + 2;
        seen = until("some progress", || {
            let run = host.shown(&id);
            let now = over(&run);
            for step in &seen {
                assert_eq!(run.step(&label(step)), step);
            }
            (now.len() >= most || run.state() != "running").then_some(now)
        });
        host.kill();
        host.restart();
    }
    let run = host.ended(&id).done();
    assert_eq!(run.work(), whole.work());
}

#[test]
fn a_run_that_was_acknowledged_is_there_after_a_crash() {
    let mut host = Host::start_with(brisk());
    host.deploy_job("job");
    let ids: Vec<String> = (0..5).map(|_| host.launch(PIPELINE)).collect();
    host.kill();
    host.restart();
    for id in &ids {
        host.ended(id).done();
    }
}

#[test]
fn submitting_twice_under_one_identity_is_submitting_once() {
    let mut host = Host::start_with(brisk());
    host.deploy_job("job");
    let id = "01890000-0000-7000-8000-00000000c0de";
    let submit = |host: &Host, yaml: &str| -> Value {
        let body = json!({"id": id, "pipeline": yaml}).to_string();
        let (status, answer) = host.post("/api/v1/projects/default/runs", "application/json", body.as_bytes());
        assert_eq!(status, 201, "{answer}");
        serde_json::from_str(&answer).unwrap()
    };
    let first = submit(&host, PIPELINE);
    let second = submit(&host, PIPELINE);
    assert_eq!((&first["id"], &first["created_at"]), (&second["id"], &second["created_at"]));
    host.kill();
    host.restart();
    let third = submit(&host, PIPELINE);
    assert_eq!(first["created_at"], third["created_at"]);
    let run = host.ended(id).done();
    let fourth = submit(&host, "pipeline: other\nsteps:\n  it: { function: job, params: { do: nothing } }\n");
    assert_eq!((&fourth["name"], &fourth["state"]), (&json!("durable"), &json!("done")), "the first submission counts");
    assert_eq!(host.shown(id), run);
    assert_eq!(host.json(&["runs", "list"])["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_step_that_takes_its_host_with_it_stops_at_its_limit() {
    for (rule, claims) in [("", 3), (", retry: { attempts: 4 }", 4)] {
        let mut host = Host::start_with(brisk());
        host.deploy_job("job");
        let id = host.launch(&format!(
            "pipeline: deadly\nsteps:\n  it: {{ function: job, params: {{ do: spin }}{rule} }}\n  after: {{ function: job, params: {{ do: nothing }}, needs: [it] }}\n"
        ));
        for attempt in 1..=claims {
            until("the attempt", || {
                let run = host.shown(&id);
                let step = run.step("it");
                (step["state"] == "running" && step["attempt"] == attempt).then_some(())
            });
            host.kill();
            host.restart();
        }
        let run = host.ended(&id);
        assert_eq!((run.state(), &run.step("it")["attempt"]), ("failed", &json!(claims)));
        let failure = &run.step("it")["failure"];
        assert_eq!(failure["code"], "host-lost");
        assert_eq!(failure["message"], format!("its host was gone {claims} times while it ran"));
        assert_eq!(run.those("skipped"), ["after"]);
    }
}

#[test]
fn a_wait_before_the_next_attempt_outlives_the_host() {
    let mut host = Host::start_with(brisk());
    host.deploy_job("job");
    let id = host.launch(
        "pipeline: patient\nsteps:\n  it: { function: job, params: { do: flaky, n: 2 }, retry: { attempts: 2, backoff: 1s } }\n",
    );
    let waiting = until("the failure", || {
        Some(host.shown(&id))
            .filter(|run| run.step("it")["not_before"].is_string() && run.step("it")["state"] == "ready")
    });
    assert_eq!(waiting.step("it")["failure"]["message"], "attempt 1 fails");
    host.kill();
    host.restart();
    let run = host.ended(&id).done();
    assert_eq!(run.step("it")["attempt"], 2, "the crash cost no attempt");
}

#[test]
fn a_host_that_is_asked_to_end_lets_its_steps_finish() {
    let mut host = Host::start_with(brisk());
    host.deploy_job("job");
    let id =
        host.launch("pipeline: slow\nsteps:\n  it: { function: job, params: { do: flood, n: 64 }, cache: false }\n");
    until("the step to run", || Some(host.shown(&id)).filter(|it| it.step("it")["state"] != "ready"));
    assert!(host.terminate().success());
    host.restart();
    let run = host.ended(&id).done();
    assert_eq!(run.step("it")["attempt"], 1);
}

#[test]
fn what_was_deployed_answers_after_a_crash() {
    let mut host = Host::start();
    host.deploy("hello", "conformance_http.wasm", "");
    host.kill();
    host.restart();
    assert_eq!(host.get("/fn/hello/hello"), (200, "Hello, World!".to_owned()));
}
