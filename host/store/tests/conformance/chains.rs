//! From step to step: settled and taken in one transaction, whoever else changes the run meanwhile.

use host_core::{
    Digest, RunId,
    event::Failure,
    id::HostId,
    pipeline::Progress as Standing,
    ports::{Claim, Journal as _, JournalError, Settled, Settling, Tracked},
    run::{MetricPoint, Pins, Progress, RunState, Settlement, StepResult},
};
use host_store::Store;
use serde_json::{Value, json};

use crate::home::{DIAMOND, ENDED, Home, LONG, Worker, map, new_run, result, states};

crate::facts! {
    a_settlement_takes_what_is_to_be_done_next,
    a_settlement_that_is_refused_takes_nothing,
    what_was_left_to_a_settlement_is_written_with_it,
    hosts_that_take_turns_see_what_the_other_did,
    a_step_is_found_by_its_key,
    a_url_stands_for_what_was_found_first,
}

/// Given its own results, `b` and `c` follow; `d` is given theirs.
const TOLD: &str = "  a: { function: f }\n  b: { function: f, needs: [a] }\n  c: { function: f, needs: [a] }\n  \
                    d: { function: f, params: { b: '${steps.b.results.n}', c: '${steps.c.results.n}' } }\n";

fn settling(claim: &Claim, how: Settlement) -> Settling {
    Settling { key: claim.key.clone(), attempt: claim.attempt, how, unwritten: Tracked::default() }
}

fn done(claim: &Claim, results: Value) -> Settling {
    settling(claim, Settlement::Done(Box::new(result(results))))
}

async fn settle(store: &Store, host: HostId, settling: &Settling, limit: u32) -> Settled {
    store.settle_and_claim(host, settling, limit, LONG).await.unwrap()
}

fn labels(claims: &[Claim]) -> Vec<String> {
    claims.iter().map(|it| it.key.label()).collect()
}

async fn a_settlement_takes_what_is_to_be_done_next(home: Home) {
    let store = home.store().await;
    let host = HostId::next();
    let id = store.submit(new_run(TOLD)).await.unwrap().spec.id;
    let mut first = store.claim(host, 9, LONG).await.unwrap();
    let settled = settle(&store, host, &done(&first.remove(0), json!({})), 1).await;
    assert_eq!((settled.run, settled.more, labels(&settled.claims)), (RunState::Running, true, vec!["b".to_owned()]));
    assert_eq!(states(&store, id).await, ["a done", "b running", "c ready", "d waiting"]);
    let settled = settle(&store, host, &done(&settled.claims[0], json!({"n": 1.5})), 9).await;
    assert_eq!((settled.more, labels(&settled.claims)), (false, vec!["c".to_owned()]), "what was ready before, too");
    let other = store.submit(new_run(DIAMOND)).await.unwrap().spec.id;
    let settled = settle(&store, host, &done(&settled.claims[0], json!({"n": "two"})), 9).await;
    let mut taken: Vec<_> = settled.claims.iter().map(|it| (it.key.run, it.key.label(), it.attempt)).collect();
    taken.sort();
    assert_eq!(taken, [(id, "d".to_owned(), 1), (other, "a".to_owned(), 1)], "of any run");
    assert!(store.run(other).await.unwrap().started_at.is_some());
    let last = settled.claims.iter().find(|it| it.key.run == id).unwrap();
    let work = Standing::go_on(&last.run, last.standing.clone()).work("d", None).unwrap();
    assert_eq!(work.params, map(json!({"b": 1.5, "c": "two"})));
    let settled = settle(&store, host, &done(last, json!({})), 9).await;
    assert_eq!((settled.run, settled.claims), (RunState::Done, vec![]));
    assert_eq!(store.heartbeat(host, &[(last.key.clone(), 1)], LONG).await.unwrap(), std::slice::from_ref(&last.key));
}

async fn a_settlement_that_is_refused_takes_nothing(home: Home) {
    let store = home.store().await;
    let host = HostId::next();
    store.submit(new_run(DIAMOND)).await.unwrap();
    let lost = store.claim(host, 1, ENDED).await.unwrap().remove(0);
    let id = store.submit(new_run("  a: { function: f }\n")).await.unwrap().spec.id;
    home.tick();
    store.recover().await.unwrap();
    let refused = store.settle_and_claim(host, &done(&lost, json!({})), 9, LONG).await;
    assert!(matches!(refused, Err(JournalError::Stale(_))), "{refused:?}");
    assert_eq!(states(&store, id).await, ["a ready"]);
    assert_eq!(store.claim(host, 9, LONG).await.unwrap().len(), 2);
}

async fn what_was_left_to_a_settlement_is_written_with_it(home: Home) {
    let store = home.store().await;
    let worker = Worker::new(&store);
    let id = store.submit(new_run("  a: { function: f, params: { n: 1 } }\n")).await.unwrap().spec.id;
    for attempt in 1..=2 {
        let claim = worker.claim_all().await.remove(0);
        let loss = f64::from(attempt);
        let point =
            MetricPoint { key: claim.key.clone(), name: "loss".into(), value: loss, at_step: None, at: home.tick() };
        let unwritten = Tracked {
            params: map(json!({"chosen": attempt})),
            results: map(json!({"loss": loss, "rows": 5})),
            metrics: vec![point],
            progress: Some(Progress { fraction: 0.5, message: format!("attempt {attempt}") }),
        };
        let how = match attempt {
            1 => Settlement::Failed {
                failure: Failure::transient("net", "a cable"),
                retry_after_ms: Some(0),
                result: Box::default(),
            },
            _ => Settlement::Done(Box::new(StepResult { results: map(json!({"rows": 6})), ..StepResult::default() })),
        };
        settle(&store, worker.host, &Settling { unwritten, ..settling(&claim, how) }, 0).await;
        let step = store.steps(id).await.unwrap().remove(0);
        assert_eq!(step.params, map(json!({"n": 1, "chosen": attempt})));
        assert_eq!(step.results, map(json!({"loss": loss, "rows": if attempt == 1 { 5 } else { 6 }})));
        assert_eq!(step.progress.unwrap().message, format!("attempt {attempt}"));
    }
    let values: Vec<_> = store.metrics(id).await.unwrap().iter().map(|it| it.value).collect();
    assert_eq!(values, [2.0], "of the last attempt");
}

async fn hosts_that_take_turns_see_what_the_other_did(home: Home) {
    let [(first, one), (second, two)] = home.two_hosts().await;
    let id = first.submit(new_run(TOLD)).await.unwrap().spec.id;
    let a = first.claim(one, 1, LONG).await.unwrap().remove(0);
    let b = settle(&first, one, &done(&a, json!({})), 1).await.claims.remove(0);
    let c = second.claim(two, 1, LONG).await.unwrap().remove(0);
    settle(&second, two, &done(&c, json!({"n": 2})), 0).await;
    let d = settle(&first, one, &done(&b, json!({"n": 1})), 1).await.claims.remove(0);
    let given = |claim: &Claim| Standing::go_on(&claim.run, claim.standing.clone()).work("d", None).unwrap().params;
    assert_eq!(given(&d), map(json!({"b": 1, "c": 2})), "the first host did not know of `c`");
    second.cancel(id, "ann").await.unwrap();
    let late = first.settle_and_claim(one, &done(&d, json!({})), 9, LONG).await;
    assert!(matches!(late, Err(JournalError::Stale(_))));
    second.retry(id, Pins::default(), &["b".to_owned()], "ann").await.unwrap();
    let b = first.claim(one, 1, LONG).await.unwrap().remove(0);
    assert_eq!(b.key.step, "b");
    let d = settle(&first, one, &done(&b, json!({"n": 3})), 1).await.claims.remove(0);
    assert_eq!((given(&d), d.attempt), (map(json!({"b": 3, "c": 2})), 2));
    assert_eq!(settle(&first, one, &done(&d, json!({})), 9).await.run, RunState::Done);
}

async fn a_step_is_found_by_its_key(home: Home) {
    let store = home.store().await;
    store.submit(new_run(DIAMOND)).await.unwrap();
    let claim = Worker::new(&store).claim_all().await.remove(0);
    let found = store.step(&claim.key).await.unwrap().unwrap();
    assert_eq!(found, store.steps(claim.key.run).await.unwrap().remove(0));
    let trial = host_core::run::StepKey { trial: Some(0), ..claim.key };
    assert_eq!(store.step(&trial).await.unwrap(), None);
}

async fn a_url_stands_for_what_was_found_first(home: Home) {
    let [(first, _), (second, _)] = home.two_hosts().await;
    let id = first.submit(new_run(DIAMOND)).await.unwrap().spec.id;
    let url = format!("https://example.com/{}", "x".repeat(5_000));
    assert_eq!(first.pinned(id, &url).await.unwrap(), None);
    let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
    assert_eq!(first.pin(id, &url, one).await.unwrap(), one);
    assert_eq!(second.pin(id, &url, two).await.unwrap(), one);
    assert_eq!(second.pinned(id, &url).await.unwrap(), Some(one));
    assert_eq!(second.pinned(id, "https://example.com/").await.unwrap(), None);
    let nobody = RunId::next();
    assert!(matches!(first.pin(nobody, &url, one).await, Err(JournalError::NotFound(_))));
    assert_eq!(first.pinned(nobody, &url).await.unwrap(), None);
}
