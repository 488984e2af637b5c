//! The journal: submitted once, claimed by one host, settled by whoever holds the lease.

use std::time::Duration;

use host_core::{
    event::Failure,
    id::HostId,
    pipeline::StepState,
    ports::{Journal as _, JournalError, Tracked},
    run::{Progress, RunState, Settlement, StepResult},
};
use serde_json::json;

use crate::home::{DIAMOND, ENDED, Home, LONG, Worker, map, new_run, project, result, states};

crate::facts! {
    a_run_goes_from_step_to_step_to_its_end,
    submitting_twice_changes_nothing,
    two_hosts_never_get_the_same_step,
    a_stale_writer_is_refused,
    a_lost_lease_is_given_back_and_spent_attempts_fail,
    cancelling_stops_what_waits_and_what_runs,
    a_failed_step_can_wait_for_another_attempt,
    what_is_tracked_stays_when_the_step_ends,
    metrics_keep_what_is_no_number,
    a_run_that_is_not_there_is_not_found,
    the_end_of_a_run_is_an_event,
}

async fn a_run_goes_from_step_to_step_to_its_end(home: Home) {
    let store = home.store().await;
    let worker = Worker::new(&store);
    let run = store.submit(new_run(DIAMOND)).await.unwrap();
    let id = run.spec.id;
    assert_eq!(states(&store, id).await, ["a ready", "b waiting", "c waiting", "d waiting"]);
    home.tick();
    let claims = worker.claim_all().await;
    assert_eq!((claims.len(), claims[0].attempt, claims[0].standing.size()), (1, 1, 4));
    assert_eq!(*claims[0].run, run.spec);
    assert!(worker.claim_all().await.is_empty());
    assert!(store.run(id).await.unwrap().started_at.is_some());
    assert!(worker.done(&claims[0], json!({"rows": 3})).await.more);
    assert_eq!(states(&store, id).await, ["a done", "b ready", "c ready", "d waiting"]);
    assert_eq!(worker.finish().await, ["b", "c", "d"]);
    let over = store.run(id).await.unwrap();
    assert_eq!((over.state, over.failure), (RunState::Done, None));
    assert!(over.finished_at >= over.started_at);
    let steps = store.steps(id).await.unwrap();
    assert_eq!(
        (steps[0].results.clone(), steps[0].outputs.clone()),
        (map(json!({"rows": 3})), result(json!({"rows": 3})).outputs)
    );
    assert!(steps.iter().all(|it| it.finished_at.is_some() && it.started_at.is_some()));
}

async fn submitting_twice_changes_nothing(home: Home) {
    let [(first, _), (second, _)] = home.two_hosts().await;
    let new = new_run(DIAMOND);
    let (one, two) = tokio::join!(first.submit(new.clone()), second.submit(new.clone()));
    assert_eq!(one.unwrap(), two.unwrap());
    Worker::new(&first).finish().await;
    let again = second.submit(new.clone()).await.unwrap();
    assert_eq!(again.state, RunState::Done);
    assert_eq!(again.spec, new, "the order of params and a seed of 64 bits included");
    assert_eq!(again.spec.params.keys().collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(first.steps(new.id).await.unwrap().len(), 4);
}

async fn two_hosts_never_get_the_same_step(home: Home) {
    let hosts = home.two_hosts().await;
    for _ in 0..20 {
        hosts[0].0.submit(new_run("  a: { function: f }\n  b: { function: f }\n")).await.unwrap();
    }
    let race = hosts.iter().flat_map(|host| [host; 4]).map(|(store, host)| async move {
        let mut taken = Vec::new();
        loop {
            let claims = store.claim(*host, 3, LONG).await.unwrap();
            if claims.is_empty() {
                return taken;
            }
            taken.extend(claims.into_iter().map(|it| (it.key, it.attempt)));
        }
    });
    let taken: Vec<_> = futures_util::future::join_all(race).await.into_iter().flatten().collect();
    let keys: std::collections::HashSet<_> = taken.iter().map(|(key, _)| key).collect();
    assert!(keys.len() == taken.len() && taken.iter().all(|(_, attempt)| *attempt == 1), "{taken:?}");
    // A host that found everything locked by the other may have gone home early; nothing is lost by it.
    let rest = hosts[0].0.claim(hosts[0].1, 100, LONG).await.unwrap();
    assert_eq!(taken.len() + rest.len(), 40);
}

async fn a_stale_writer_is_refused(home: Home) {
    let [(first, one), (second, two)] = home.two_hosts().await;
    let run = first.submit(new_run(DIAMOND)).await.unwrap();
    let old = first.claim(one, 1, ENDED).await.unwrap().remove(0);
    home.tick();
    assert_eq!(second.recover().await.unwrap(), 1);
    let new = second.claim(two, 1, LONG).await.unwrap().remove(0);
    assert_eq!((old.attempt, new.attempt), (1, 2));
    let done = || Settlement::Done(Box::new(result(json!({}))));
    for (host, attempt) in [(one, 1), (one, 2), (two, 1), (HostId::next(), 2)] {
        let refused = first.settle(host, &old.key, attempt, done()).await;
        assert!(matches!(refused, Err(JournalError::Stale(_))), "{refused:?}");
    }
    assert!(matches!(first.track(&old.key, 1, Tracked::default()).await, Err(JournalError::Stale(_))));
    assert_eq!(first.heartbeat(one, &[(old.key.clone(), 1)], LONG).await.unwrap(), std::slice::from_ref(&old.key));
    assert_eq!(second.heartbeat(two, &[(new.key.clone(), 2)], LONG).await.unwrap(), []);
    second.settle(two, &new.key, 2, done()).await.unwrap();
    let again = second.settle(two, &new.key, 2, done()).await;
    assert!(matches!(again, Err(JournalError::Stale(_))), "a step ends once");
    assert_eq!(states(&first, run.spec.id).await[0], "a done");
}

async fn a_lost_lease_is_given_back_and_spent_attempts_fail(home: Home) {
    let store = home.store().await;
    let run = store.submit(new_run(DIAMOND)).await.unwrap();
    let host = HostId::next();
    for attempt in 1..=3 {
        let claim = store.claim(host, 1, ENDED).await.unwrap().remove(0);
        assert_eq!(claim.attempt, attempt);
        home.tick();
        assert_eq!(store.recover().await.unwrap(), 1);
    }
    assert_eq!(states(&store, run.spec.id).await, ["a failed", "b skipped", "c skipped", "d skipped"]);
    let run = store.run(run.spec.id).await.unwrap();
    let failure = run.failure.unwrap();
    assert_eq!((run.state, failure.code.as_str()), (RunState::Failed, "host-lost"));
    assert!(failure.message.contains("step `a`"), "{failure}");
    assert_eq!(store.recover().await.unwrap(), 0);
}

async fn cancelling_stops_what_waits_and_what_runs(home: Home) {
    let store = home.store().await;
    let worker = Worker::new(&store);
    let run = store.submit(new_run(DIAMOND)).await.unwrap();
    let first = worker.claim_all().await.remove(0);
    worker.done(&first, json!({})).await;
    let running = store.claim(worker.host, 1, LONG).await.unwrap().remove(0);
    home.tick();
    let cancelled = store.cancel(run.spec.id, "ben").await.unwrap();
    assert_eq!(cancelled.state, RunState::Cancelled);
    assert!(cancelled.finished_at.is_some());
    assert_eq!(store.run(run.spec.id).await.unwrap(), cancelled);
    assert_eq!(states(&store, run.spec.id).await, ["a done", "b cancelled", "c cancelled", "d cancelled"]);
    assert_eq!(worker.claim_labels().await, [] as [&str; 0]);
    let lost = store.heartbeat(worker.host, &[(running.key.clone(), 1)], LONG).await.unwrap();
    assert_eq!(lost, std::slice::from_ref(&running.key));
    let late = store.settle(worker.host, &running.key, 1, Settlement::Cancelled).await;
    assert!(matches!(late, Err(JournalError::Stale(_))));
    assert_eq!(store.cancel(run.spec.id, "ben").await.unwrap(), cancelled, "once is enough");
    let done = store.submit(new_run("  a: { function: f }\n")).await.unwrap();
    worker.finish().await;
    assert!(matches!(store.cancel(done.spec.id, "ben").await, Err(JournalError::State { wanted: "cancelled", .. })));
}

async fn a_failed_step_can_wait_for_another_attempt(home: Home) {
    let store = home.store().await;
    let worker = Worker::new(&store);
    let run = store.submit(new_run(DIAMOND)).await.unwrap();
    let claim = worker.claim_all().await.remove(0);
    let failed = |wait| Settlement::Failed {
        failure: Failure::transient("busy", "later"),
        retry_after_ms: Some(wait),
        result: Box::new(StepResult::default()),
    };
    let settled = store.settle(worker.host, &claim.key, 1, failed(3_600_000)).await.unwrap();
    assert_eq!((settled.run, settled.more), (RunState::Running, false));
    let step = store.steps(run.spec.id).await.unwrap().remove(0);
    assert_eq!((step.state, step.failure.unwrap().code.as_str()), (StepState::Ready, "busy"));
    assert!(step.not_before.is_some());
    assert!(worker.claim_all().await.is_empty(), "not yet");

    let other = store.submit(new_run("  a: { function: f }\n")).await.unwrap();
    let claim = worker.claim_all().await.remove(0);
    assert!(store.settle(worker.host, &claim.key, 1, failed(0)).await.unwrap().more);
    let again = worker.claim_all().await.remove(0);
    assert_eq!((again.key.run, again.attempt), (other.spec.id, 2));
    worker.failed(&again).await;
    let over = store.run(other.spec.id).await.unwrap();
    assert_eq!((over.state, over.failure.unwrap().message.as_str()), (RunState::Failed, "step `a`: it trapped"));
}

async fn what_is_tracked_stays_when_the_step_ends(home: Home) {
    let store = home.store().await;
    let worker = Worker::new(&store);
    let run = store.submit(new_run("  a: { function: f, params: { trees: 10 } }\n")).await.unwrap();
    let claim = worker.claim_all().await.remove(0);
    let tracked = Tracked {
        params: map(json!({"chosen\0": 1})),
        results: map(json!({"rows": 5, "acc": 0.1})),
        metrics: vec![],
        progress: Some(Progress { fraction: 0.5, message: "half\0way".into() }),
    };
    store.track(&claim.key, 1, tracked).await.unwrap();
    store.track(&claim.key, 1, Tracked::default()).await.unwrap();
    let step = store.steps(run.spec.id).await.unwrap().remove(0);
    assert_eq!(step.progress.unwrap().message, "half\u{FFFD}way");
    assert_eq!(step.params, map(json!({"trees": 10, "chosen\u{FFFD}": 1})));
    worker.done(&claim, json!({"acc": 0.9})).await;
    let step = store.steps(run.spec.id).await.unwrap().remove(0);
    assert_eq!(step.results, map(json!({"rows": 5, "acc": 0.9})));
    assert_eq!(step.params, map(json!({"trees": 10, "chosen\u{FFFD}": 1})));
}

async fn metrics_keep_what_is_no_number(home: Home) {
    let store = home.store().await;
    let worker = Worker::new(&store);
    let run = store.submit(new_run("  a: { function: f }\n")).await.unwrap();
    let lost = store.claim(worker.host, 1, ENDED).await.unwrap().remove(0);
    let point = |name: &str, value, at_step| host_core::run::MetricPoint {
        key: lost.key.clone(),
        name: name.into(),
        value,
        at_step,
        at: home.tick(),
    };
    store.track(&lost.key, 1, Tracked { metrics: vec![point("loss", 9.0, None)], ..Tracked::default() }).await.unwrap();
    store.recover().await.unwrap();
    worker.claim_all().await;
    let metrics = vec![
        point("loss", 0.5, Some(1)),
        point("loss", f64::NAN, Some(2)),
        point("acc", f64::NEG_INFINITY, None),
        point("loss", f64::INFINITY, Some(3)),
        point("loss", -0.0, Some(4)),
        point("tiny", f64::MIN_POSITIVE, Some(i64::MIN)),
    ];
    store.track(&lost.key, 2, Tracked { metrics: metrics.clone(), ..Tracked::default() }).await.unwrap();
    let read = store.metrics(run.spec.id).await.unwrap();
    let told: Vec<_> = read.iter().map(|it| format!("{} {:?} {:?}", it.name, it.value, it.at_step)).collect();
    let expected = ["acc -inf None", "loss 0.5 Some(1)", "loss NaN Some(2)", "loss inf Some(3)", "loss -0.0 Some(4)"];
    assert_eq!(told[..5], expected, "the attempt that was lost is not among them");
    assert_eq!((read[5].value, read[5].at_step), (f64::MIN_POSITIVE, Some(i64::MIN)));
    let step = store.steps(run.spec.id).await.unwrap().remove(0);
    assert_eq!(step.results, map(json!({"acc": "-Infinity", "loss": -0.0, "tiny": f64::MIN_POSITIVE})));
}

async fn a_run_that_is_not_there_is_not_found(home: Home) {
    let store = home.store().await;
    let nobody = host_core::RunId::next();
    assert!(matches!(store.run(nobody).await, Err(JournalError::NotFound(_))));
    assert!(matches!(store.steps(nobody).await, Err(JournalError::NotFound(_))));
    assert!(matches!(store.cancel(nobody, "ann").await, Err(JournalError::NotFound(_))));
    assert_eq!(store.claim(HostId::next(), 0, Duration::ZERO).await.unwrap(), []);
}

async fn the_end_of_a_run_is_an_event(home: Home) {
    let store = home.store().await;
    let run = store.submit(new_run(DIAMOND)).await.unwrap();
    let worker = Worker::new(&store);
    let claim = worker.claim_all().await.remove(0);
    worker.failed(&claim).await;
    let events = store.events(&project(), &host_core::page::PageRequest::default()).await.unwrap().items;
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].r#type.as_str(), events[0].subject.clone()), ("run.failed", run.spec.id.to_string()));
    assert_eq!(events[0].content["state"], "failed");
}
