//! A schedule with a fake of what keeps firings: each moment is done once, and errors are tried again.

use host_core::{Name, ports::Clockwork};
use parking_lot::Mutex;
use serde_json::json;

use super::*;
use crate::{
    fakes::{Around, echo},
    happening::tests::Kept,
};

fn trigger(more: serde_json::Value) -> ScheduleTrigger {
    let mut all = json!({ "cron": "* * * * * *", "missed": "all" });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

fn id() -> TriggerId {
    TriggerId { project: Name::default_project(), function: "clock".parse().unwrap(), name: "schedule".into() }
}

fn source(kept: &Arc<Kept>, more: serde_json::Value) -> Arc<ScheduleSource> {
    let rooms = Rooms { clockwork: kept.clone(), ..Around::answering(echo).rooms() };
    let board = Arc::new(Board::new(id(), "schedule", String::new()));
    Arc::new(ScheduleSource::new(rooms, id(), trigger(more), board))
}

async fn moments(kept: &Kept, most: usize) -> Vec<Timestamp> {
    for _ in 0..2_000 {
        let fired: Vec<Timestamp> = kept.fired.lock().iter().map(|(firing, _)| firing.at).collect();
        if fired.len() >= most {
            return fired;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the clock stands still");
}

#[tokio::test]
async fn each_moment_is_fired_once_and_in_order() {
    let kept = Arc::<Kept>::default();
    let source = source(&kept, json!({ "data": { "n": 1 } }));
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let (source, stop) = (source.clone(), stop.clone());
        async move { source.run(stop).await }
    });
    let fired = moments(&kept, 2).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    assert!(fired.windows(2).all(|it| it[1].duration_since(it[0]).as_secs() == 1), "{fired:?}");
    let (_, Started::Function(woken)) = kept.fired.lock()[0].clone() else { panic!("a function is woken") };
    assert_eq!((woken.event.data.as_ref(), woken.event.time.clone()), (&b"{\"n\":1}"[..], Some(fired[0].to_string())));
    assert_eq!((woken.trigger, woken.event.r#type.as_str()), ("schedule", "weft.schedule.fired"));
}

#[tokio::test]
async fn what_was_missed_while_no_host_was_up_is_done_at_once() {
    let now = jiff::Timestamp::from_second(SystemNow::seconds()).unwrap();
    let kept =
        Arc::new(Kept { since: Mutex::new(Some(now - jiff::SignedDuration::from_secs(600))), ..Kept::default() });
    let source = source(&kept, json!({ "cron": "0 * * * * *", "missed": "all" }));
    let stop = CancellationToken::new();
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { source.run(stop).await }
    });
    let fired = moments(&kept, 10).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    assert!(fired.len() >= 10 && fired.is_sorted());
}

#[tokio::test]
async fn a_firing_that_cannot_be_kept_ends_the_source_so_that_it_is_tried_again() {
    let kept = Arc::new(Kept { is_away: true, ..Kept::default() });
    let error = source(&kept, json!({})).run(CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("away"), "{error}");
    assert!(kept.since(&id(), "").await.is_err());
}

/// The time of day, for a moment that lies behind it.
struct SystemNow;

impl SystemNow {
    fn seconds() -> i64 {
        use host_core::clock::Clock as _;
        host_core::clock::SystemClock.now().as_second()
    }
}
