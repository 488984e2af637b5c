//! Running again: what is done stays done, equal work is found.

use host_core::{
    Digest,
    ports::{Journal as _, JournalError},
    run::{Pins, RunState, Settlement},
};
use serde_json::json;

use crate::home::{DIAMOND, Home, Worker, new_run, project, result, states};

crate::facts! {
    a_retry_does_again_only_what_is_not_done,
    a_retry_does_again_what_has_changed_and_all_that_follows,
    only_a_run_that_failed_or_was_cancelled_can_be_retried,
    equal_work_is_found_newest_first,
}

async fn a_retry_does_again_only_what_is_not_done(home: Home) {
    let store = home.store().await;
    let worker = Worker::new(&store);
    let id = store.submit(new_run(DIAMOND)).await.unwrap().spec.id;
    let claim = worker.claim_all().await.remove(0);
    worker.done(&claim, json!({})).await;
    for claim in worker.claim_all().await {
        match claim.key.step.as_str() {
            "b" => worker.done(&claim, json!({})).await,
            _ => worker.failed(&claim).await,
        };
    }
    assert_eq!(states(&store, id).await, ["a done", "b done", "c failed", "d skipped"]);
    let before = store.steps(id).await.unwrap();
    let run = store.retry(id, Pins::default(), &[], "ben").await.unwrap();
    assert_eq!((run.state, run.failure, run.finished_at), (RunState::Running, None, None));
    assert_eq!(states(&store, id).await, ["a done", "b done", "c ready", "d waiting"]);
    let again = worker.claim_all().await.remove(0);
    assert_eq!((again.key.step.as_str(), again.attempt), ("c", 2), "attempts go on counting: they are the fence");
    worker.done(&again, json!({})).await;
    assert_eq!(worker.finish().await, ["d"]);
    assert_eq!(store.run(id).await.unwrap().state, RunState::Done);
    assert_eq!(store.steps(id).await.unwrap()[..2], before[..2]);
    let audit = store.audit(&project(), Some(&id.to_string()), &host_core::page::PageRequest::default()).await.unwrap();
    let mut audit: Vec<_> = audit.items.iter().map(|it| format!("{} {}", it.who, it.action)).collect();
    audit.sort();
    assert_eq!(audit, ["ann run.submitted", "ben run.retried"]);
}

async fn a_retry_does_again_what_has_changed_and_all_that_follows(home: Home) {
    let store = home.store().await;
    let worker = Worker::new(&store);
    let id = store.submit(new_run(DIAMOND)).await.unwrap().spec.id;
    for _ in 0..2 {
        for claim in worker.claim_all().await {
            worker.done(&claim, json!({})).await;
        }
    }
    store.cancel(id, "ann").await.unwrap();
    assert_eq!(states(&store, id).await, ["a done", "b done", "c done", "d cancelled"]);
    let mut pins = Pins::default();
    pins.models
        .insert("x".into(), host_core::model::VersionId { model: project(), number: 1, digest: Digest::of(b"x") });
    store.retry(id, pins.clone(), &["b".to_owned()], "ann").await.unwrap();
    assert_eq!(states(&store, id).await, ["a done", "b ready", "c done", "d waiting"]);
    assert_eq!(store.run(id).await.unwrap().spec.pins, pins);
    let of_run = host_store::ArtifactFilter { run: Some(id), ..Default::default() };
    let listed = store.artifacts(&project(), &of_run, &host_core::page::PageRequest::default()).await.unwrap();
    let mut steps: Vec<_> = listed.items.into_iter().map(|it| it.step.unwrap()).collect();
    steps.sort();
    assert_eq!(steps, ["a", "a", "c", "c"], "what is outdated is no artifact of the run any more");
    assert_eq!(worker.finish().await, ["b", "d"]);
    assert_eq!(store.run(id).await.unwrap().state, RunState::Done);
}

async fn only_a_run_that_failed_or_was_cancelled_can_be_retried(home: Home) {
    let store = home.store().await;
    let id = store.submit(new_run(DIAMOND)).await.unwrap().spec.id;
    let retry = || store.retry(id, Pins::default(), &[], "ann");
    assert!(matches!(retry().await, Err(JournalError::State { state: "running", wanted: "retried", .. })));
    Worker::new(&store).finish().await;
    assert!(matches!(retry().await, Err(JournalError::State { state: "done", .. })));
}

async fn equal_work_is_found_newest_first(home: Home) {
    let store = home.store().await;
    let worker = Worker::new(&store);
    let key = Digest::of(b"work");
    assert_eq!(store.cached(&project(), &key).await.unwrap(), None);
    let mut runs = Vec::new();
    for results in [json!({"n": 1}), json!({"n": 2}), json!({"n": 3})] {
        runs.push(store.submit(new_run("  a: { function: f }\n")).await.unwrap().spec.id);
        let claim = worker.claim_all().await.remove(0);
        let mut done = result(results.clone());
        done.cache_key = Some(key);
        done.cached_from = (results["n"] == 3).then_some(runs[0]);
        home.tick();
        store.settle(worker.host, &claim.key, claim.attempt, Settlement::Done(Box::new(done))).await.unwrap();
        let (from, found) = store.cached(&project(), &key).await.unwrap().unwrap();
        assert_eq!(json!(found.results), results);
        assert_eq!(found.outputs, result(results.clone()).outputs);
        assert_eq!(from, if results["n"] == 3 { runs[0] } else { *runs.last().unwrap() }, "whoever really did it");
    }
    assert_eq!(store.cached(&"other".parse().unwrap(), &key).await.unwrap(), None);
}
