//! Sweeps in the journal: trials come when their step does, the best speaks for it.

use host_core::{
    page::PageRequest,
    pipeline::Progress,
    ports::Journal as _,
    run::{Pins, RunState},
};
use host_store::ArtifactFilter;
use serde_json::json;

use crate::home::{Home, Worker, map, new_run, project, states};

crate::facts! {
    a_sweep_opens_when_its_step_is_ready_and_ends_with_its_best_trial,
    a_good_enough_trial_stops_the_later_ones,
    a_cancelled_sweep_goes_on_where_it_was,
    a_sweep_of_many_trials_is_written_in_few_statements,
}

const SWEEP: &str = "  a: { function: f }\n  t:\n    function: f\n    inputs: { x: a.data }\n    params: { fixed: 1 }\n    \
                     sweep: { grid: { n: [1, 2, 3, 4] }, select: max.acc, parallel: 2, stop_when: acc >= 0.9, keep: 2 }\n  \
                     z: { function: f, inputs: { m: t.model } }\n";

async fn a_sweep_opens_when_its_step_is_ready_and_ends_with_its_best_trial(home: Home) {
    let store = home.store().await;
    let worker = Worker::new(&store);
    let id = store.submit(new_run(SWEEP)).await.unwrap().spec.id;
    assert_eq!(states(&store, id).await, ["a ready", "t waiting", "z waiting"]);
    let claim = worker.claim_all().await.remove(0);
    worker.done(&claim, json!({})).await;
    assert_eq!(
        states(&store, id).await,
        ["a done", "t running", "t#0 ready", "t#1 ready", "t#2 waiting", "t#3 waiting", "z waiting"]
    );
    let claims = worker.claim_all().await;
    let given = Progress::go_on(&claims[1].run, claims[1].standing.clone()).work("t", Some(1)).unwrap();
    assert_eq!(given.params, map(json!({"fixed": 1, "n": 2})));
    worker.done(&claims[1], json!({"acc": 0.7})).await;
    worker.done(&claims[0], json!({"acc": 0.2})).await;
    let claims = worker.claim_all().await;
    worker.failed(&claims[0]).await;
    assert_eq!(store.run(id).await.unwrap().state, RunState::Running, "a failed trial is no failed sweep");
    worker.done(&claims[1], json!({"acc": 0.5})).await;
    assert_eq!(
        states(&store, id).await,
        ["a done", "t done", "t#0 done", "t#1 done", "t#2 failed", "t#3 done", "z ready"]
    );
    let steps = store.steps(id).await.unwrap();
    assert_eq!((&steps[1].results, &steps[1].outputs), (&steps[3].results, &steps[3].outputs));
    assert_eq!(steps[1].params, map(json!({"fixed": 1, "n": 2})));
    let filter = ArtifactFilter { run: Some(id), name: Some("model".into()), ..ArtifactFilter::default() };
    let found = store.artifacts(&project(), &filter, &PageRequest::default()).await.unwrap();
    let mut labels: Vec<_> = found.items.iter().map(|it| it.step.clone().unwrap()).collect();
    labels.sort();
    assert_eq!(labels, ["a", "t", "t#1", "t#3"], "of the trials only the two best are kept");
    assert_eq!(worker.finish().await, ["z"]);
}

async fn a_good_enough_trial_stops_the_later_ones(home: Home) {
    let store = home.store().await;
    let worker = Worker::new(&store);
    let id = store.submit(new_run(SWEEP)).await.unwrap().spec.id;
    let claim = worker.claim_all().await.remove(0);
    worker.done(&claim, json!({})).await;
    let claims = worker.claim_all().await;
    worker.done(&claims[0], json!({"acc": 0.95})).await;
    assert_eq!(states(&store, id).await[1..6], ["t done", "t#0 done", "t#1 cancelled", "t#2 skipped", "t#3 skipped"]);
    let lost = store.heartbeat(worker.host, &[(claims[1].key.clone(), 1)], crate::home::LONG).await.unwrap();
    assert_eq!(lost, std::slice::from_ref(&claims[1].key));
    let steps = store.steps(id).await.unwrap();
    assert_eq!(steps[3].failure.as_ref().unwrap().message, "an earlier trial was good enough");
}

async fn a_cancelled_sweep_goes_on_where_it_was(home: Home) {
    let store = home.store().await;
    let worker = Worker::new(&store);
    let id = store.submit(new_run(SWEEP)).await.unwrap().spec.id;
    let claim = worker.claim_all().await.remove(0);
    worker.done(&claim, json!({})).await;
    let claims = worker.claim_all().await;
    worker.done(&claims[0], json!({"acc": 0.1})).await;
    assert_eq!(store.cancel(id, "ann").await.unwrap().state, RunState::Cancelled);
    assert_eq!(
        states(&store, id).await[1..6],
        ["t cancelled", "t#0 done", "t#1 cancelled", "t#2 cancelled", "t#3 cancelled"]
    );
    store.retry(id, Pins::default(), &[], "ann").await.unwrap();
    assert_eq!(states(&store, id).await[1..6], ["t running", "t#0 done", "t#1 ready", "t#2 ready", "t#3 waiting"]);
    assert_eq!(worker.finish().await, ["t#1", "t#2", "t#3", "z"]);
    let steps = store.steps(id).await.unwrap();
    assert_eq!(steps[3].params, map(json!({"fixed": 1, "n": 2})));
    assert_eq!(store.run(id).await.unwrap().state, RunState::Done);
}

async fn a_sweep_of_many_trials_is_written_in_few_statements(home: Home) {
    let store = home.store().await;
    let worker = Worker::new(&store);
    let steps = "  t:\n    function: f\n    sweep: { random: { trials: 250, params: { x: { uniform: [0, 1] } } }, parallel: 50 }\n";
    let id = store.submit(new_run(steps)).await.unwrap().spec.id;
    assert_eq!(store.steps(id).await.unwrap().len(), 251);
    assert_eq!(worker.finish().await.len(), 250);
    let run = store.run(id).await.unwrap();
    assert_eq!((run.state, run.failure), (RunState::Done, None));
}
