//! A source and a publisher against the server of `WEFT_TEST_AMQP`.

mod broker;
mod cuts;
mod fates;
mod order;
mod publisher;
mod routes;
mod secure;
mod stage;

use host_core::ports::{SourceError, TriggerState};

use broker::Broker;
use stage::{Stage, eventually};

use crate::fakes::echo;

#[tokio::test(flavor = "multi_thread")]
async fn messages_become_events_and_outputs_become_messages() {
    let Some(broker) = Broker::find("flow").await else { return };
    let stage = Stage::answering(echo);
    broker.declare("out").await;
    let source = stage.source(broker.trigger("output = \"{out}\""));
    let reading = source.begin();
    for n in 0..30 {
        broker.send("in", &format!("m{n}"), &[("traceparent", "00-a-b-01")]).await;
    }
    let mut out = broker.take("out", 30).await;
    out.sort_by_key(|it| it.body.len());
    assert_eq!((out[0].body.as_str(), out[29].body.len()), ("m0", 3));
    assert_eq!(out[0].header("cloudEvents:type").as_deref(), Some("weft.amqp.message"));
    assert_eq!(out[0].header("traceparent").as_deref(), Some("00-a-b-01"));
    assert_eq!(out[0].header("cloudEvents:source").as_deref(), Some("/fn/shop"));
    reading.end().await.unwrap();
    assert_eq!(broker.depth("in").await, Some(0));
    assert_eq!(source.board.status().events, 30);
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_holds_what_comes_within_its_wait() {
    let Some(broker) = Broker::find("batch").await else { return };
    broker.prepare("in").await;
    for n in 0..25 {
        broker.send("in", &n.to_string(), &[]).await;
    }
    let stage = Stage::answering(|_, _| Ok(vec![]));
    let reading = stage.source(broker.trigger("batch = { events = 10, wait = \"500ms\" }")).begin();
    eventually("all are handled", || stage.handled() == 25).await;
    let sizes: Vec<_> = stage.calls.lock().iter().map(|(events, _)| events.len()).collect();
    assert_eq!(sizes.iter().max(), Some(&10), "{sizes:?}");
    reading.end().await.unwrap();
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_never_larger_than_its_bound() {
    let Some(broker) = Broker::find("bytes").await else { return };
    broker.prepare("in").await;
    for n in 0..6 {
        broker.send("in", &format!("{n}-{}", "x".repeat(if n == 3 { 40 } else { 6 })), &[]).await;
    }
    let stage = Stage::answering(|_, _| Ok(vec![]));
    let bound = "batch = { events = 10, bytes = 20, wait = \"500ms\" }\nordered = false";
    let reading = stage.source(broker.trigger(bound)).begin();
    eventually("all are handled", || stage.handled() == 6).await;
    let sizes = |events: &[host_core::event::Event]| events.iter().map(|it| it.data.len()).sum::<usize>();
    for (events, _) in &*stage.calls.lock() {
        assert!(events.len() == 1 || sizes(events) <= 20, "{events:?}");
    }
    reading.end().await.unwrap();
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_settles_what_is_in_flight_and_leaves_the_rest() {
    let Some(broker) = Broker::find("stop").await else { return };
    broker.prepare("in").await;
    for n in 0..10 {
        broker.send("in", &n.to_string(), &[]).await;
    }
    let stage = Stage::held();
    let reading = stage.source(broker.trigger("prefetch = 6\nbatch = { events = 2, wait = \"1m\" }")).begin();
    eventually("calls are under way", || stage.under_way() >= 3).await;
    reading.stop.cancel();
    stage.let_go();
    reading.end().await.unwrap();
    let handled = stage.handled() as u32;
    assert!((6..=8).contains(&handled), "{handled}");
    broker.eventually_depth("in", 10 - handled).await;
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_tells_how_many_messages_wait() {
    let Some(broker) = Broker::find("lag").await else { return };
    broker.prepare("in").await;
    for n in 0..5 {
        broker.send("in", &n.to_string(), &[]).await;
    }
    let stage = Stage::held();
    let source = stage.source(broker.trigger("prefetch = 2\nbatch = { events = 1 }"));
    let reading = source.begin();
    eventually("the lag is known", || source.board.status().lag == Some(3)).await;
    assert_eq!(source.board.status().state, TriggerState::Running);
    stage.let_go();
    eventually("nothing waits", || source.board.status().lag == Some(0)).await;
    reading.end().await.unwrap();
    assert_eq!(source.board.status().lag, None);
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_opened_says_why() {
    let Some(broker) = Broker::find("open").await else { return };
    let stage = Stage::answering(echo);
    let cause = |more: &str| {
        let source = stage.source(broker.trigger(more));
        async move { source.begin().ended().await.unwrap_err().to_string() }
    };
    let error = cause("passive = true").await;
    assert!(error.contains("is not there; declare it, or leave out `passive = true`"), "{error}");
    let error = cause("bind = [{ exchange = \"{nowhere}\" }]").await;
    assert!(error.contains("could not bind queue") && error.contains("no exchange"), "{error}");
    broker.declare_classic("in2").await;
    let other = broker.trigger("").replace(&broker.name("in"), &broker.name("in2"));
    let error = stage.source(other).begin().ended().await.unwrap_err().to_string();
    assert!(error.contains("is there with other settings"), "{error}");
    let other = broker.trigger("username = \"nobody\"");
    let error = stage.source(other).begin().ended().await.unwrap_err().to_string();
    assert!(error.contains("could not connect to") && error.contains("ACCESS_REFUSED"), "{error}");
    let closed = broker.trigger("").replace(broker.url(), "amqp://127.0.0.1:1/%2f");
    let error = stage.source(closed).begin().ended().await.unwrap_err().to_string();
    assert!(error.contains("could not connect to 127.0.0.1:1: ") && error.contains("refused"), "{error}");
    let elsewhere = broker.trigger("").replace("%2f", "nowhere");
    let error = stage.source(elsewhere).begin().ended().await.unwrap_err().to_string();
    assert!(error.contains("could not connect to"), "{error}");
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_deleted_ends_the_reading() {
    let Some(broker) = Broker::find("gone").await else { return };
    let stage = Stage::answering(echo);
    let source = stage.source(broker.trigger(""));
    let reading = source.begin();
    eventually("it reads", || source.board.status().state == TriggerState::Running).await;
    broker.delete("in").await;
    let error = reading.ended().await.unwrap_err();
    assert!(matches!(&error, SourceError::Failed(it) if it.contains("was deleted, or moves")), "{error}");
    broker.clean().await;
}
