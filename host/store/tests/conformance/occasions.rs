//! Firings and events: each is done once, with its runs, whichever host is first.

use std::time::Duration;

use host_core::{
    RunId,
    manifest::Overlap,
    ports::{
        Fired, Firing, Journal as _, NewStanding, Occasions as _, StandingError, StandingPipelines as _, TriggerId,
    },
    run::{NewRun, RunKind, RunState},
    size::Millis,
};
use host_store::{Config, Store};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::home::{Home, Worker, name, new_run, project};

crate::facts! {
    a_firing_is_done_once_whichever_host_is_first,
    a_firing_waits_for_the_clock_of_the_database,
    a_firing_that_is_too_old_is_not_done,
    one_that_is_still_at_work_keeps_the_next_from_it,
    one_that_is_still_at_work_is_replaced,
    a_schedule_begins_anew_when_it_says_something_else,
    an_event_is_taken_once_with_the_runs_it_starts,
    what_an_event_led_to_is_deeper,
    events_that_nobody_wants_are_passed,
    a_chain_that_is_stopped_is_on_record,
    a_pipeline_is_kept_by_its_text,
    a_pipeline_that_is_forgotten_is_gone_and_can_come_back,
    a_schedule_that_is_taken_out_and_put_back_has_missed_nothing,
    events_are_looked_at_behind_others_that_stay,
    old_events_and_the_runs_they_woke_are_forgotten,
}

const ONE: &str = "  a: { function: f }\n";

fn trigger() -> TriggerId {
    TriggerId { project: project(), function: name("clock"), name: "schedule".into() }
}

fn firing(at: Timestamp, overlap: Overlap) -> Firing {
    let oldest = at - SignedDuration::from_hours(1);
    Firing { trigger: trigger(), at, due_at: at, oldest, overlap }
}

/// A schedule that has been there for a while, and a moment since then.
async fn begun(store: &Store) -> Timestamp {
    let since = store.since(&trigger(), "* * * * *").await.unwrap();
    since - SignedDuration::from_secs(10)
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at + SignedDuration::from_secs(seconds)
}

async fn fire(store: &Store, at: Timestamp, overlap: Overlap) -> (RunId, Fired) {
    let run = new_run(ONE);
    (run.id, store.fire(&firing(at, overlap), run).await.unwrap())
}

async fn state(store: &Store, run: RunId) -> RunState {
    store.run(run).await.unwrap().state
}

async fn a_firing_is_done_once_whichever_host_is_first(home: Home) {
    let [(first, _), (second, _)] = home.two_hosts().await;
    let at = begun(&first).await;
    for turn in 0..8 {
        let at = after(at, turn);
        let (one, other) = (new_run(ONE), new_run(ONE));
        let ids = [one.id, other.id];
        let (here, there) = (firing(at, Overlap::Allow), firing(at, Overlap::Allow));
        let fired = tokio::join!(first.fire(&here, one), second.fire(&there, other));
        let fired = [fired.0.unwrap(), fired.1.unwrap()];
        let done: Vec<_> = (0..2).filter(|it| matches!(fired[*it], Fired::Run { .. })).collect();
        assert_eq!(done.len(), 1, "{fired:?}");
        assert!(fired.contains(&Fired::Already));
        assert!(first.run(ids[done[0]]).await.is_ok() && first.run(ids[1 - done[0]]).await.is_err());
    }
    assert_eq!(first.since(&trigger(), "* * * * *").await.unwrap(), after(at, 10));
}

async fn a_firing_waits_for_the_clock_of_the_database(home: Home) {
    let store = home.store().await;
    let at = after(begun(&store).await, 3_610);
    let (run, fired) = fire(&store, at, Overlap::Allow).await;
    let Fired::TooEarly(wait) = fired else { panic!("{fired:?}") };
    assert!(wait > Duration::from_secs(3_000) && wait <= Duration::from_secs(3_600), "{wait:?}");
    assert!(store.run(run).await.is_err());
}

async fn a_firing_that_is_too_old_is_not_done(home: Home) {
    let store = home.store().await;
    let at = begun(&store).await;
    let old = Firing { oldest: after(at, 1), ..firing(at, Overlap::Allow) };
    assert_eq!(store.fire(&old, new_run(ONE)).await.unwrap(), Fired::Already);
    let unknown = Firing { trigger: TriggerId { name: "gone".into(), ..trigger() }, ..firing(at, Overlap::Allow) };
    assert_eq!(store.fire(&unknown, new_run(ONE)).await.unwrap(), Fired::Already);
}

async fn one_that_is_still_at_work_keeps_the_next_from_it(home: Home) {
    let store = home.store().await;
    let at = begun(&store).await;
    let (first, _) = fire(&store, at, Overlap::Forbid).await;
    for turn in 1..3 {
        let (second, fired) = fire(&store, after(at, turn), Overlap::Forbid).await;
        assert_eq!(fired, Fired::LeftOut(first));
        assert!(store.run(second).await.is_err());
    }
    assert_eq!(fire(&store, after(at, 1), Overlap::Forbid).await.1, Fired::Already, "what was left out stays so");
    let worker = Worker::new(&store);
    worker.failed(&worker.claim_all().await.remove(0)).await;
    let (third, fired) = fire(&store, after(at, 3), Overlap::Forbid).await;
    assert_eq!(fired, Fired::Run { run: third, replaced: None });
}

async fn one_that_is_still_at_work_is_replaced(home: Home) {
    let store = home.store().await;
    let at = begun(&store).await;
    let (first, _) = fire(&store, at, Overlap::Replace).await;
    let (second, fired) = fire(&store, after(at, 1), Overlap::Replace).await;
    assert_eq!(fired, Fired::Run { run: second, replaced: Some(first) });
    assert_eq!((state(&store, first).await, state(&store, second).await), (RunState::Cancelled, RunState::Running));
}

async fn a_schedule_begins_anew_when_it_says_something_else(home: Home) {
    let store = home.store().await;
    let since = store.since(&trigger(), "* * * * *").await.unwrap();
    home.tick();
    assert_eq!(store.since(&trigger(), "* * * * *").await.unwrap(), since);
    assert!(store.since(&trigger(), "0 * * * *").await.unwrap() > since);
}

/// An event of the platform: a run has failed.
async fn happened(store: &Store, run: NewRun) -> RunId {
    let id = store.submit(run).await.unwrap().spec.id;
    let worker = Worker::new(store);
    for claim in worker.claim_all().await {
        worker.failed(&claim).await;
    }
    id
}

async fn an_event_is_taken_once_with_the_runs_it_starts(home: Home) {
    let [(first, _), (second, _)] = home.two_hosts().await;
    let failed = happened(&first, new_run(ONE)).await;
    let told = first.told(None, 10).await.unwrap();
    assert_eq!((told.len(), told[0].r#type.as_str(), told[0].subject.clone()), (1, "run.failed", failed.to_string()));
    let (one, other) = (new_run(ONE), new_run(ONE));
    let ids = [one.id, other.id];
    let taken = tokio::join!(first.take(&told[0], vec![one], vec![]), second.take(&told[0], vec![other], vec![]));
    let taken = [taken.0.unwrap(), taken.1.unwrap()];
    assert_eq!(taken.iter().filter(|it| **it).count(), 1);
    for (is_mine, id) in taken.iter().zip(ids) {
        assert_eq!(first.run(id).await.is_ok(), *is_mine);
    }
    assert_eq!(second.told(None, 10).await.unwrap(), []);
}

async fn what_an_event_led_to_is_deeper(home: Home) {
    let store = home.store().await;
    happened(&store, new_run(ONE)).await;
    assert_eq!(store.told(None, 1).await.unwrap()[0].depth, 1);
    happened(&store, NewRun { depth: 7, ..new_run(ONE) }).await;
    assert_eq!(store.told(None, 2).await.unwrap()[1].depth, 8);
}

async fn events_that_nobody_wants_are_passed(home: Home) {
    let store = home.store().await;
    for _ in 0..40 {
        happened(&store, new_run(ONE)).await;
        home.tick();
    }
    let told = store.told(None, 35).await.unwrap();
    assert!(told.is_sorted_by_key(|it| (it.at, it.id.clone())));
    let ids: Vec<String> = told.into_iter().map(|it| it.id).collect();
    store.pass(&ids).await.unwrap();
    store.pass(&ids).await.unwrap();
    assert_eq!(store.told(None, 100).await.unwrap().len(), 5);
}

async fn a_chain_that_is_stopped_is_on_record(home: Home) {
    let store = home.store().await;
    happened(&store, NewRun { depth: 8, ..new_run(ONE) }).await;
    let told = store.told(None, 1).await.unwrap().remove(0);
    assert!(store.take(&told, vec![], vec!["ring/event".into()]).await.unwrap());
    let audit = store.audit(&project(), None, &host_core::page::PageRequest::default()).await.unwrap().items;
    let deed = audit.iter().find(|it| it.action == "chain.stopped").unwrap();
    assert_eq!((deed.subject.as_str(), &deed.details["depth"]), ("ring/event", &json!(9)));
}

fn pipeline(text: &str) -> NewStanding {
    let yaml = format!("pipeline: nightly\nsteps:\n{text}");
    let trigger = json!({ "trigger": { "kind": "schedule", "cron": "@daily" }, "params": { "n": 1 } });
    let triggers = vec![serde_json::from_value(trigger).unwrap()];
    NewStanding {
        project: project(),
        name: name("nightly"),
        description: None,
        yaml,
        triggers,
        created_by: "ann".into(),
    }
}

async fn a_schedule_that_is_taken_out_and_put_back_has_missed_nothing(home: Home) {
    let store = home.store().await;
    let kept = store.put_in_force(pipeline(ONE)).await.unwrap();
    let id = kept.kept.triggers[0].id(&project(), &name("nightly"));
    let since = store.since(&id, "@daily UTC").await.unwrap();
    store.put_in_force(NewStanding { triggers: Vec::new(), ..pipeline("  b: { function: f }\n") }).await.unwrap();
    home.tick();
    store.put_in_force(pipeline(ONE)).await.unwrap();
    let again = store.since(&id, "@daily UTC").await.unwrap();
    assert!(again > since);
    home.tick();
    let yaml = pipeline("  c: { function: f }\n");
    store.put_in_force(yaml).await.unwrap();
    assert_eq!(store.since(&id, "@daily UTC").await.unwrap(), again, "one that stays goes on where it was");
}

async fn events_are_looked_at_behind_others_that_stay(home: Home) {
    let store = home.store().await;
    for _ in 0..3 {
        happened(&store, new_run(ONE)).await;
        home.tick();
    }
    let all = store.told(None, 10).await.unwrap();
    assert_eq!(all.len(), 3);
    assert_eq!(store.told(Some(&all[0]), 10).await.unwrap(), all[1..]);
    assert_eq!(store.told(Some(&all[2]), 10).await.unwrap(), []);
}

async fn old_events_and_the_runs_they_woke_are_forgotten(mut home: Home) {
    home.config = Config {
        keep_events: Some(Millis(1)),
        keep_woken: Some(Millis(1)),
        keep_records: None,
        keep_letters: None,
        ..home.config.clone()
    };
    let store = home.store().await;
    let woken = happened(&store, NewRun { kind: RunKind::Event, ..new_run(ONE) }).await;
    let labels = [("keep".to_owned(), "yes".to_owned())].into();
    let kept = happened(&store, NewRun { kind: RunKind::Event, labels, ..new_run(ONE) }).await;
    let other = happened(&store, new_run(ONE)).await;
    let running = store.submit(NewRun { kind: RunKind::Event, ..new_run(ONE) }).await.unwrap().spec.id;
    home.tick();
    assert_eq!(store.age().await.unwrap().forgotten, 4, "three events and a run");
    assert!(store.run(woken).await.is_err());
    for id in [kept, other, running] {
        assert!(store.run(id).await.is_ok());
    }
    assert_eq!(store.told(None, 10).await.unwrap(), []);
}

async fn a_pipeline_is_kept_by_its_text(home: Home) {
    let store = home.store().await;
    let first = store.put_in_force(pipeline(ONE)).await.unwrap();
    assert_eq!((first.number, &first.kept), (1, &pipeline(ONE)));
    home.tick();
    assert_eq!(store.put_in_force(pipeline(ONE)).await.unwrap(), first, "the same text changes nothing");
    let second = store.put_in_force(pipeline("  b: { function: f }\n")).await.unwrap();
    assert_eq!((second.number, store.pipelines(&project()).await.unwrap()), (2, vec![second.clone()]));
    let again = store.put_in_force(pipeline(ONE)).await.unwrap();
    assert_eq!((again.number, again.digest), (1, first.digest), "an earlier text is an earlier version");
    assert_eq!(store.started().await.unwrap(), [again]);
}

async fn a_pipeline_that_is_forgotten_is_gone_and_can_come_back(home: Home) {
    let store = home.store().await;
    let kept = store.put_in_force(pipeline(ONE)).await.unwrap();
    let id = kept.kept.triggers[0].id(&project(), &name("nightly"));
    let since = store.since(&id, "@daily UTC").await.unwrap();
    store.forget(&project(), &name("nightly"), "ben").await.unwrap();
    let gone = store.pipeline(&project(), &name("nightly")).await;
    assert!(matches!(gone, Err(StandingError::NotFound(_))), "{gone:?}");
    assert!(store.forget(&project(), &name("nightly"), "ben").await.is_err());
    assert_eq!(store.started().await.unwrap(), []);
    home.tick();
    store.put_in_force(pipeline(ONE)).await.unwrap();
    assert!(store.since(&id, "@daily UTC").await.unwrap() > since, "nothing was missed meanwhile");
}
