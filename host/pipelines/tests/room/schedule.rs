//! Attempts, leases and cancellation: a step is done once, by whoever holds it.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use futures_util::FutureExt as _;
use host_core::{
    clock::Clock as _,
    event::{Failure, code},
    id::HostId,
    pipeline::StepState,
    ports::Journal as _,
    run::{RunState, Settlement},
};
use host_pipelines::Config;

use crate::{
    fakes::Gate,
    place::{Place, asked, deaf, quick, states},
};

const HOUR: i64 = 3_600_000;
const MAKE: &str = "  a: { function: make }\n";
const RETRIED: &str =
    "  a: { function: make, retry: { attempts: 4, on: [transient], backoff: 10s, factor: 3, max_backoff: 20s } }\n";

/// A job that fails like this every time.
fn failing(place: &Place, failure: Failure) {
    place.guests.on("make", move |_| Err(failure.clone()));
}

/// How long the step waits for its next attempt, seconds.
async fn wait_of(place: &Place, run: &host_core::run::Run) -> i64 {
    let not_before = place
        .until("the step waits", async || {
            let step = place.step(run, "a").await;
            step.not_before.filter(|at| step.state == StepState::Ready && *at > place.clock.now())
        })
        .await;
    place.clock.now().duration_until(not_before).as_secs()
}

#[tokio::test]
async fn a_failed_attempt_is_followed_by_another_as_the_step_says() {
    let place = Place::new().await;
    failing(&place, Failure::transient("net", "a cable"));
    let run = place.submit(asked(RETRIED)).await;
    for (attempt, waits) in [(1, 5..=10), (2, 10..=20), (3, 10..=20)] {
        let wait = wait_of(&place, &run).await;
        assert!(waits.contains(&wait), "{wait} s after attempt {attempt}");
        let step = place.step(&run, "a").await;
        assert_eq!((step.attempt, step.failure.unwrap().code.as_str()), (attempt, "net"));
        place.pass(21_000);
    }
    let run = place.end(run.spec.id).await;
    assert_eq!((run.state, place.guests.count("make")), (RunState::Failed, 4));
    assert_eq!(run.failure.unwrap().message, "step `a`: a cable");
    let attempts: Vec<_> = place.guests.jobs("make").iter().map(|it| it.context.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
}

#[tokio::test]
async fn what_is_not_worth_another_attempt_fails_at_once() {
    let place = Place::new().await;
    failing(&place, Failure::invalid("bad-rows", "no rows"));
    assert_eq!(place.run(RETRIED).await.state, RunState::Failed);
    assert_eq!(place.guests.count("make"), 1);
}

#[tokio::test]
async fn a_failure_may_ask_for_a_longer_wait() {
    let place = Place::new().await;
    failing(&place, Failure { retry_after_ms: Some(90_000), ..Failure::transient("busy", "later") });
    let run = place.submit(asked(RETRIED)).await;
    assert_eq!(wait_of(&place, &run).await, 90);
}

#[tokio::test]
async fn no_more_steps_are_in_the_works_than_configured() {
    let place = Place::with(Config { steps_at_once: 2, ..quick() }).await;
    let gate = Gate::shut();
    place.guests.waits("make", &gate);
    let three = "  a: { function: make }\n  b: { function: make }\n  c: { function: make }\n";
    let run = place.submit(asked(three)).await;
    place.until_called("make", 2).await;
    assert_eq!(states(&place.steps(&run).await), ["a running", "b running", "c ready"]);
    gate.open();
    place.until_called("make", 3).await;
    gate.open();
    gate.open();
    assert_eq!(place.end(run.spec.id).await.state, RunState::Done);
}

#[tokio::test]
async fn cancelling_a_run_stops_its_step() {
    let place = Place::with(deaf()).await;
    place.guests.waits("make", &Gate::shut());
    let run = place.submit(asked("  a: { function: make }\n  b: { function: copy, inputs: { data: a.data } }\n")).await;
    place.until_called("make", 1).await;
    place.runs.cancel(run.spec.id, "ann").await.unwrap();
    place.until_idle().await;
    assert_eq!(states(&place.steps(&run).await), ["a cancelled", "b cancelled"]);
    assert!(place.guests.jobs("make")[0].context.cancelled.is_cancelled());
}

#[tokio::test]
async fn a_run_that_another_host_cancelled_is_noticed_by_the_heartbeat() {
    let place = Place::new().await;
    place.guests.waits("make", &Gate::shut());
    let run = place.submit(asked(MAKE)).await;
    place.until_called("make", 1).await;
    place.store.cancel(run.spec.id, "bob").await.unwrap();
    place.until_idle().await;
    assert_eq!(place.step(&run, "a").await.state, StepState::Cancelled);
}

#[tokio::test]
async fn a_step_that_another_host_took_is_not_settled_by_the_one_that_lost_it() {
    let place = Place::with(deaf()).await;
    let gate = Gate::shut();
    place.guests.waits("make", &gate);
    let run = place.submit(asked(MAKE)).await;
    place.until_called("make", 1).await;
    place.pass(11 * HOUR);
    assert_eq!(place.store.recover().await.unwrap(), 1);
    let other = HostId::next();
    let claim = place.store.claim(other, 1, Duration::from_secs(60)).await.unwrap().remove(0);
    gate.open();
    place.until_idle().await;
    assert_eq!(place.journal.stale.load(Ordering::SeqCst), 1);
    let step = place.step(&run, "a").await;
    assert_eq!((step.state, step.attempt, step.outputs), (StepState::Running, 2, vec![]));
    place.store.settle(other, &claim.key, claim.attempt, Settlement::Done(Box::default())).await.unwrap();
    assert_eq!(place.end(run.spec.id).await.state, RunState::Done);
}

#[tokio::test]
async fn a_lost_step_that_comes_back_to_its_host_is_executed_by_the_newer_attempt_alone() {
    let place = Place::with(Config { steps_at_once: 2, ..deaf() }).await;
    let gate = Gate::shut();
    place.guests.waits("make", &gate);
    let run = place.submit(asked(MAKE)).await;
    place.until_called("make", 1).await;
    place.pass(11 * HOUR);
    place.store.recover().await.unwrap();
    place.scheduler.wake();
    place.until_called("make", 2).await;
    place.until("the older one ended", async || (place.journal.stale.load(Ordering::SeqCst) == 1).then_some(())).await;
    let jobs = place.guests.jobs("make");
    assert!(jobs[0].context.cancelled.is_cancelled() && !jobs[1].context.cancelled.is_cancelled());
    assert_eq!(place.scheduler.running(), 1, "the newer one is kept");
    gate.open();
    let run = place.end(run.spec.id).await;
    assert_eq!((run.state, place.step(&run, "a").await.attempt), (RunState::Done, 2));
}

#[tokio::test]
async fn a_heartbeat_keeps_a_step_that_takes_longer_than_its_lease() {
    let place = Place::new().await;
    let gate = Gate::shut();
    place.guests.waits("make", &gate);
    let run = place.submit(asked(MAKE)).await;
    place.until_called("make", 1).await;
    for _ in 0..5 {
        place.pass(40_000);
        let seen = place.journal.heartbeats.load(Ordering::SeqCst);
        let beats = || place.journal.heartbeats.load(Ordering::SeqCst);
        place.until("the heart beats", async || (beats() >= seen + 2).then_some(())).await;
    }
    gate.open();
    let run = place.end(run.spec.id).await;
    assert_eq!((run.state, place.step(&run, "a").await.attempt), (RunState::Done, 1));
}

#[tokio::test]
async fn a_settlement_survives_a_database_that_is_away() {
    let place = Place::new().await;
    place.journal.failing_settles.store(2, Ordering::SeqCst);
    let run = place.done(MAKE).await;
    assert_eq!((place.step(&run, "a").await.attempt, place.guests.count("make")), (1, 1));
}

#[tokio::test]
async fn a_panic_fails_its_step_and_nothing_else() {
    let place = Place::new().await;
    place.guests.on("make", |_| panic!("a bug of the host"));
    let run = place.run(MAKE).await;
    assert_eq!((run.state, run.failure.unwrap().code.as_str()), (RunState::Failed, "host-panic"));
    place.until_idle().await;
    let artifact = host_core::ports::Artifacts::put(&*place.artifacts, "wine".into()).await.unwrap().digest;
    place.done(&format!("  a: {{ function: copy, inputs: {{ data: {{ artifact: \"{artifact}\" }} }} }}\n")).await;
}

#[tokio::test]
async fn a_step_that_a_stopping_host_cannot_call_is_given_back() {
    let place = Place::new().await;
    let gate = Gate::shut();
    let is_stopped = AtomicU32::new(0);
    let until_stopped = gate.clone();
    place.guests.on_async("make", move |_| {
        let (gate, number) = (until_stopped.clone(), is_stopped.fetch_add(1, Ordering::SeqCst));
        async move {
            gate.pass().await;
            if number == 0 { Err(Failure::transient(code::UNAVAILABLE, "the host is stopping")) } else { Ok(None) }
        }
        .boxed()
    });
    let run = place.submit(asked(MAKE)).await;
    place.until_called("make", 1).await;
    let moving = place.moved_to(host_core::run::Platform::default());
    gate.open();
    let place = moving.await;
    gate.open();
    let run = place.end(run.spec.id).await;
    assert_eq!((run.state, place.step(&run, "a").await.attempt), (RunState::Done, 2));
}

#[tokio::test]
async fn a_chain_goes_from_step_to_step_without_asking_for_each() {
    let place = Place::with(deaf()).await;
    let step = |number: u32| {
        format!("  s{number}: {{ function: make, params: {{ n: {number} }}, needs: [s{}] }}\n", number - 1)
    };
    let steps: String = (1..20).map(step).collect();
    let run = place.done(&format!("  s0: {{ function: make }}\n{steps}")).await;
    assert!(place.steps(&run).await.iter().all(|it| (it.state, it.attempt) == (StepState::Done, 1)));
    // When the host began, when the run was submitted, and when there was nothing left to do.
    assert!(place.journal.claims.load(Ordering::SeqCst) <= 3);
}

#[tokio::test]
async fn steps_that_can_run_side_by_side_do() {
    let place = Place::with(Config { steps_at_once: 3, ..deaf() }).await;
    let gate = Gate::shut();
    place.guests.waits("copy", &gate);
    let copy = |name: &str| format!("  {name}: {{ function: copy, inputs: {{ data: a.data }} }}\n");
    let steps = ["b", "c", "d", "e"].map(copy).concat();
    let run = place.submit(asked(&format!("  a: {{ function: make }}\n{steps}"))).await;
    place.until_called("copy", 3).await;
    assert_eq!((place.scheduler.running(), place.guests.count("copy")), (3, 3));
    (0..4).for_each(|_| gate.open());
    assert_eq!(place.end(run.spec.id).await.state, RunState::Done);
}
