//! One host on Postgres does all that it does on SQLite.

use serde_json::{Value, json};

use super::Database;
use crate::{
    durability,
    models::Fixture,
    runs::label,
    support::{Host, until},
};

/// A bit of everything: chains, a sweep, metrics that are no numbers, retries, artifacts.
const PIPELINE: &str = "
pipeline: everything
params: { most: 2 }
steps:
  write: { function: job, params: { do: write, text: 'naïve ☃' } }
  copy: { function: job, params: { do: copy }, inputs: { data: write.out } }
  learn: { function: job, params: { do: record, n: 5 } }
  shaky: { function: job, params: { do: flaky, n: 2 }, retry: { attempts: 3, backoff: 10ms } }
  try:
    function: job
    params: { do: measure }
    sweep: { grid: { text: ['3', '-1', 'NaN', 'inf', '-1'] }, select: min.loss, keep: 2 }
  good: { function: job, params: { do: copy }, inputs: { data: try.out }, when: try.loss < params.most }
  never: { function: job, params: { do: nothing }, when: try.loss > params.most }
";

#[test]
fn a_run_on_postgres_comes_to_what_it_comes_to_on_sqlite() {
    let Some(database) = Database::fresh() else { return };
    let (postgres, sqlite) = (database.host(), Host::start());
    let [there, here] = [&postgres, &sqlite].map(|host| {
        host.deploy_job("job");
        host.shown(host.submit_with(PIPELINE, &["--seed", "4", "-l", "team=red"]).done().id())
    });
    assert_eq!(there.work(), here.work());
    assert_eq!(there.attempts(), here.attempts());
    let metrics = |all: &Value| -> Vec<Value> {
        all.as_array().unwrap().iter().map(|it| json!([label(it), it["name"], it["value"], it["at_step"]])).collect()
    };
    assert_eq!(metrics(&there.0["metrics"]), metrics(&here.0["metrics"]));
    assert_eq!(*there.report("try"), json!("-1"));
    assert_eq!(postgres.bytes(there.output("copy", "data")), "naïve ☃".as_bytes());

    let again = postgres.submit_with(PIPELINE, &["--seed", "4"]).done();
    let cached = again.steps().iter().filter(|it| it["cached_from"] == there.id()).count();
    assert_eq!(cached, 10, "every job that was done, each trial of the sweep: {:?}", again.states());
    assert_eq!(postgres.json(&["runs", "reproduce", there.id()])["verdict"], "identical");
}

#[test]
fn the_documented_views_answer_questions_of_ones_own() {
    let Some(database) = Database::fresh() else { return };
    let host = database.host();
    host.deploy_job("job");
    let run = host.submit(PIPELINE).done();
    let state = database.query(&format!("SELECT name || ' ' || state FROM runs WHERE id = '{}'", run.id()));
    assert_eq!(state, "everything done");
    let made = database.query("SELECT step FROM artifacts WHERE name = 'data' ORDER BY step");
    assert_eq!(made.lines().collect::<Vec<_>>(), ["copy", "good"]);
}

#[test]
fn functions_models_and_scores_are_on_postgres_too() {
    let Some(database) = Database::fresh() else { return };
    let mut host = database.host();
    host.deploy("hello", "conformance_http.wasm", "");
    let fixture = Fixture::read("logistic-multi");
    host.register("iris", &fixture.bytes);
    host.register("iris", &Fixture::read("gaussian-bayes").bytes);
    host.json(&["models", "promote", "iris@1"]);
    let (status, first) = host.question("/v2/models/iris/infer", &fixture.question());
    assert_eq!((status, &first["model_version"]), (200, &json!("1")), "{first}");
    host.kill();
    host.restart();
    assert_eq!(host.get("/fn/hello/hello"), (200, "Hello, World!".to_owned()));
    assert_eq!(host.question("/v2/models/iris/infer", &fixture.question()).1, first);
    host.json(&["models", "promote", "iris@2"]);
    assert_eq!(host.question("/v2/models/iris/infer", &fixture.question()).1["model_version"], "2");
    host.json(&["models", "rollback", "iris"]);
    assert_eq!(host.question("/v2/models/iris/infer", &fixture.question()).1, first);
}

#[test]
fn a_host_killed_on_postgres_takes_its_own_steps_up_again() {
    let Some(database) = Database::fresh() else { return };
    let mut host = database.host();
    host.deploy_job("job");
    let whole = host.submit(durability::PIPELINE).done();
    for point in [0, 3, 6, 9] {
        let id = host.launch(durability::PIPELINE);
        let before = until("the moment to die", || Some(host.shown(&id)).filter(|it| it.those("done").len() >= point));
        host.kill();
        host.restart();
        let run = host.ended(&id).done();
        for done in before.those("done") {
            assert_eq!(run.step(&done), before.step(&done), "killed at {point}");
        }
        assert_eq!(run.work(), whole.work());
    }
}

#[test]
fn the_wrong_address_of_a_database_is_told_without_its_password() {
    let Some(database) = Database::fresh() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (_, place) = database.server.rsplit_once('@').unwrap();
    let (place, _) = place.split_once('/').unwrap();
    let wrong = format!("postgres://nobody:secret-word@{place}/nothing_here");
    let output = crate::support::command(&["up", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .env("DATABASE_URL", wrong)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("error: "), "{said}");
    assert!(!said.contains("secret-word"), "{said}");
}
