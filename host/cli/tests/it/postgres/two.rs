//! Two hosts on one Postgres and one folder of artifacts: they share the work, and one takes over from the other.

use serde_json::{Value, json};

use super::Database;
use crate::{
    models::Fixture,
    runs::{JOB, Ran},
    support::until,
};

const RUNS: usize = 12;

fn pipeline(number: usize) -> String {
    format!(
        "
pipeline: race
steps:
  begin: {{ function: job, params: {{ do: write, text: 'run {number}' }}, cache: false }}
  left: {{ function: job, params: {{ do: copy }}, inputs: {{ data: begin.out }}, cache: false }}
  right: {{ function: job, params: {{ do: random }}, needs: [begin], cache: false }}
  try:
    function: job
    params: {{ do: measure }}
    needs: [begin]
    sweep: {{ grid: {{ text: ['2', '1', '3'] }}, select: min.loss }}
    cache: false
  end: {{ function: job, params: {{ do: copy }}, inputs: {{ data: left.data, other: try.out }}, needs: [right], cache: false }}
"
    )
}

/// How many jobs one of these runs is.
const JOBS: usize = 7;

/// Every step at its first attempt.
fn once(run: &Ran) {
    for (step, attempt) in run.attempts() {
        let expected = u64::from(step != "try");
        assert_eq!(attempt, expected, "`{step}` of run {}", run.id());
    }
}

#[test]
fn two_hosts_race_for_the_steps_of_many_runs_and_every_step_is_done_once() {
    let Some(database) = Database::fresh() else { return };
    let first = database.host();
    let second = first.twin();
    first.deploy("job", "conformance-job.wasm", &format!("record = \"all\"\n{JOB}"));
    // Half of them here, half of them there.
    let ids: Vec<String> = (0..RUNS).map(|number| [&first, &second][number % 2].launch(&pipeline(number))).collect();
    for (number, id) in ids.iter().enumerate() {
        let run = [&second, &first][number % 2].ended(id).done();
        once(&run);
        assert_eq!(first.bytes(run.output("end", "data")), format!("run {number}").as_bytes());
        assert_eq!(second.bytes(run.output("end", "other")), b"1");
    }
    let listed = first.json(&["runs", "list"]);
    assert_eq!(listed["items"], second.json(&["runs", "list"])["items"], "both know the same");
    assert_eq!(listed["items"].as_array().unwrap().len(), RUNS);
    // Each host writes what it has on its mind before it answers.
    let path = "/api/v1/projects/default/calls?function=job&limit=1000";
    first.get_json(path);
    let calls = second.get_json(path)["items"].as_array().unwrap().len();
    assert_eq!(calls, JOBS * RUNS, "no job ran twice, on whichever host");
    let artifacts = database.query("SELECT count(*) FROM artifacts WHERE step IN ('begin', 'left')");
    assert_eq!(artifacts, (2 * RUNS).to_string());
}

#[test]
fn what_a_killed_host_held_is_taken_over_when_its_lease_ends() {
    let Some(database) = Database::fresh() else { return };
    let mut first = database.host();
    first.deploy_job("job");
    first.deploy("waiter", "conformance-job.wasm", JOB);
    let id = first.launch(
        "
pipeline: handed
steps:
  done: { function: job, params: { do: write, text: x }, cache: false }
  held: { function: waiter, params: { do: spin, text: x }, needs: [done], timeout: 3s, retry: { attempts: 2, backoff: 10ms } }
  after: { function: job, params: { do: copy }, inputs: { data: done.out }, needs: [done] }
",
    );
    let before = until("the first host to hold a step", || {
        Some(first.shown(&id)).filter(|it| it.those("running") == ["held"] && it.those("done") == ["done", "after"])
    });
    let second = first.twin();
    first.kill();
    let taken =
        until("the second host to take over", || Some(second.shown(&id)).filter(|it| it.step("held")["attempt"] == 2));
    assert_eq!(taken.step("held")["state"], "running");
    let run = second.ended(&id);
    assert_eq!((run.state(), &run.step("held")["failure"]["code"]), ("failed", &json!("deadline")));
    for step in ["done", "after"] {
        assert_eq!(run.step(step), before.step(step), "what was done stays done");
    }
}

#[test]
fn many_runs_end_well_although_one_of_two_hosts_is_killed_among_them() {
    let Some(database) = Database::fresh() else { return };
    let mut first = database.host();
    let second = first.twin();
    first.deploy_job("job");
    let ids: Vec<String> = (0..RUNS).map(|number| second.launch(&pipeline(number))).collect();
    let seen = until("some steps to be done", || {
        let seen: Vec<Ran> = ids.iter().map(|id| second.shown(id)).collect();
        (seen.iter().map(|it| it.those("done").len()).sum::<usize>() > RUNS).then_some(seen)
    });
    first.kill();
    for (before, id) in seen.iter().zip(&ids) {
        let run = second.ended(id).done();
        for done in before.those("done") {
            assert_eq!(run.step(&done), before.step(&done));
        }
        assert!(run.attempts().iter().all(|(_, attempt)| *attempt <= 2), "{:?}", run.attempts());
    }
}

#[test]
fn a_run_is_cancelled_wherever_it_runs() {
    let Some(database) = Database::fresh() else { return };
    let first = database.host();
    first.deploy_job("job");
    let id = first.launch("pipeline: long\nsteps:\n  it: { function: job, params: { do: spin } }\n");
    until("the step to run", || Some(first.shown(&id)).filter(|it| it.those("running") == ["it"]));
    let second = first.twin();
    assert_eq!(second.json(&["runs", "cancel", &id])["state"], "cancelled");
    // The host that executes it learns so at a heartbeat, and then has room again for as many as there are cores.
    let next = (0..16).map(|number| {
        first
            .launch(&format!("pipeline: next-{number}\nsteps:\n  it: {{ function: job, params: {{ do: nothing }} }}\n"))
    });
    for id in next.collect::<Vec<_>>() {
        first.ended(&id).done();
    }
}

#[test]
fn what_one_host_deploys_the_other_serves() {
    let Some(database) = Database::fresh() else { return };
    let first = database.host();
    let second = first.twin();
    let serves = |path: &str, wanted: &(u16, String)| {
        until("the other host to follow", || Some(second.get(path)).filter(|it| it == wanted));
    };
    let hello = (200, "Hello, World!".to_owned());
    first.deploy("hello", "conformance_http.wasm", "");
    serves("/fn/hello/hello", &hello);
    first.deploy("hello", "conformance_http.wasm", "[[triggers]]\nkind = \"http\"\npath = \"/greetings/{*rest}\"\n");
    serves("/greetings/hello", &hello);
    first.json(&["rollback", "hello"]);
    until("the route to go", || (second.get("/greetings/hello").0 == 404).then_some(()));
    first.json(&["delete", "hello"]);
    until("the function to go", || (second.get("/fn/hello/hello").0 == 404).then_some(()));
}

#[test]
fn what_one_host_deploys_the_other_compiles_before_it_answers_with_it() {
    let Some(database) = Database::fresh() else { return };
    let first = database.host();
    let code = tempfile::tempdir().unwrap();
    let second = first.twin_with(database.options().env("WEFT_ENGINE__CACHE", code.path().to_str().unwrap()));
    first.deploy("hello", "conformance_http.wasm", "");
    until("the other host to follow", || (second.get("/fn/hello/hello").0 == 200).then_some(()));
    // Another component, which the other host has never seen, under the same name.
    first.deploy("hello", "conformance_handler.wasm", "[grants]\nmodel = [\"wine\"]\n");
    until("the other host to answer with it", || {
        // Neither knows such a behaviour, and each says so in its own way.
        let answer = second.get("/fn/hello/nothing");
        match answer.0 {
            404 => None,
            422 => Some(()),
            other => panic!("{other} while it was compiled: {}", answer.1),
        }
    });
}

#[test]
fn what_one_host_promotes_the_other_answers_with() {
    let Some(database) = Database::fresh() else { return };
    let first = database.host();
    let second = first.twin();
    let fixture = Fixture::read("logistic-multi");
    first.register("iris", &fixture.bytes);
    first.register("iris", &Fixture::read("gaussian-bayes").bytes);
    let follows = |wanted: &str| {
        until("the other host to follow", || {
            let (status, answer): (u16, Value) = second.question("/v2/models/iris/infer", &fixture.question());
            assert_eq!(status, 200, "whichever version it is, there is an answer: {answer}");
            (answer["model_version"] == wanted).then_some(())
        });
    };
    follows("2");
    first.json(&["models", "promote", "iris@1"]);
    follows("1");
    first.json(&["models", "promote", "iris@2"]);
    follows("2");
    first.json(&["models", "rollback", "iris"]);
    follows("1");
}

#[test]
fn hosts_that_share_a_database_must_share_their_artifacts() {
    let Some(database) = Database::fresh() else { return };
    let _first = database.host();
    let folder = tempfile::tempdir().unwrap();
    let output = crate::support::command(&["up", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .env("DATABASE_URL", database.url())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("hosts that share a database share its artifacts"), "{said}");
}
