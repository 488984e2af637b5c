//! What becomes of messages: each kind of failure, and none of them lost.

use std::sync::atomic::Ordering::SeqCst;

use host_core::{event::Failure, ports::SourceError};
use lapin::BasicProperties;

use super::{
    broker::Broker,
    stage::{Stage, eventually},
};
use crate::fakes::echo;

const QUICK: &str = "retry = { attempts = 3, backoff = \"20ms\" }";

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_event_becomes_a_dead_letter_and_the_others_go_on() {
    let Some(broker) = Broker::find("invalid").await else { return };
    let stage =
        Stage::answering(
            |event, _| {
                if event.data == "bad" { Err(Failure::invalid("bad-json", "no number")) } else { Ok(vec![]) }
            },
        );
    stage.around.directory.deploy(&["name = \"shop\""]);
    let source = stage.source(broker.trigger(""));
    let reading = source.begin();
    for body in ["a", "bad", "b"] {
        broker.send("in", body, &[("tenant", "x")]).await;
    }
    let dead = broker.take("in.dead", 1).await.remove(0);
    assert_eq!((dead.body.as_str(), dead.header("tenant").as_deref()), ("bad", Some("x")));
    assert_eq!(dead.header("weft-reason").as_deref(), Some("bad-json"));
    assert_eq!(dead.header("weft-message").as_deref(), Some("no number"));
    assert_eq!(dead.header("weft-attempts").as_deref(), Some("1"));
    assert_eq!(dead.header("weft-queue"), Some(broker.name("in")));
    assert!(dead.header("weft-revision").is_some());
    eventually("all are settled", || source.board.status().events == 3).await;
    reading.end().await.unwrap();
    let letters = stage.around.letters.kept.lock().clone();
    assert_eq!((letters.len(), &*letters[0].event.data, letters[0].attempts), (1, &b"bad"[..], 1));
    assert_eq!(letters[0].place.as_ref().map(|it| it.topic.to_string()), Some(broker.name("in")));
    assert_eq!((broker.depth("in").await, source.board.status().dead_letters), (Some(0), 1));
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transient_failure_comes_again_through_the_retry_queue() {
    let Some(broker) = Broker::find("transient").await else { return };
    let stage =
        Stage::answering(|_, attempt| if attempt < 3 { Err(Failure::transient("busy", "later")) } else { Ok(vec![]) });
    let source = stage.source(broker.trigger(QUICK));
    let reading = source.begin();
    broker.send("in", "a", &[("tenant", "x")]).await;
    eventually("it is done", || source.board.status().events == 1).await;
    reading.end().await.unwrap();
    let calls = stage.calls.lock().clone();
    assert_eq!(calls.iter().map(|(_, attempt)| *attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((&calls[0].0, &calls[1].0), (&calls[1].0, &calls[2].0));
    assert_eq!((source.board.status().failures, broker.depth("in").await), (2, Some(0)));
    assert_eq!(broker.depth("in.retry.100").await, Some(0));
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_its_last_attempt_an_event_is_a_dead_letter() {
    let Some(broker) = Broker::find("exhausted").await else { return };
    let stage = Stage::answering(|_, _| Err(Failure::transient("busy", "never")));
    let trigger = broker.trigger(&format!("queue_type = \"classic\"\ndead_letter = \"{{dead}}\"\n{QUICK}"));
    let source = stage.source(trigger);
    let reading = source.begin();
    broker.send("in", "a", &[]).await;
    let dead = broker.take("dead", 1).await.remove(0);
    assert_eq!((dead.body.as_str(), dead.header("weft-attempts").as_deref()), ("a", Some("3")));
    eventually("it is settled", || source.board.status().dead_letters == 1).await;
    reading.end().await.unwrap();
    assert_eq!((stage.handled(), broker.depth("in").await), (3, Some(0)));
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fatal_failure_ends_the_reading_and_keeps_its_message() {
    let Some(broker) = Broker::find("fatal").await else { return };
    broker.prepare("in").await;
    for body in ["a", "broken", "b"] {
        broker.send("in", body, &[]).await;
    }
    let stage = Stage::answering(|event, _| {
        if event.data == "broken" { Err(Failure::fatal("bug", "the table is gone")) } else { Ok(vec![]) }
    });
    let reading = stage.source(broker.trigger("batch = { events = 3, wait = \"1s\" }")).begin();
    let error = reading.ended().await.unwrap_err();
    assert!(matches!(&error, SourceError::State(it) if it == "the table is gone"), "{error}");
    broker.eventually_depth("in", 1).await;
    assert_eq!(broker.take("in", 1).await[0].body, "broken");
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_room_is_no_attempt() {
    let Some(broker) = Broker::find("room").await else { return };
    let stage = Stage::answering(|_, _| Ok(vec![]));
    stage.full.store(3, SeqCst);
    let source = stage.source(broker.trigger(QUICK));
    let reading = source.begin();
    broker.send("in", "a", &[]).await;
    eventually("it is done", || source.board.status().events == 1).await;
    reading.end().await.unwrap();
    let calls = stage.calls.lock().clone();
    assert_eq!((calls.len(), calls[0].1, source.board.status().failures), (1, 1, 0));
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_claims_to_be_an_event_and_is_none_is_a_dead_letter() {
    let Some(broker) = Broker::find("noevent").await else { return };
    let stage = Stage::answering(|_, _| Ok(vec![]));
    let source = stage.source(broker.trigger(""));
    let reading = source.begin();
    let properties = BasicProperties::default().with_content_type("application/cloudevents+json".into());
    broker.send_with("in", "{\"id\":1}", properties).await;
    broker.send("in", "fine", &[]).await;
    let dead = broker.take("in.dead", 1).await.remove(0);
    assert_eq!(dead.header("weft-reason").as_deref(), Some("invalid-input"));
    eventually("both are settled", || source.board.status().events == 2).await;
    reading.end().await.unwrap();
    assert_eq!((stage.handled(), stage.around.letters.kept.lock().len()), (1, 1));
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_leaves_more_than_the_server_takes_is_given_up_once() {
    let Some(broker) = Broker::find("oversized").await else { return };
    broker.declare("out").await;
    let stage = Stage::answering(|event, attempt| {
        let mut outputs = echo(event, attempt)?;
        if event.data == "large" {
            // The server takes 16 MiB, unless somebody says otherwise.
            outputs[0].data = vec![b'x'; 17 << 20].into();
        }
        Ok(outputs)
    });
    let source = stage.source(broker.trigger("output = \"{out}\""));
    let reading = source.begin();
    broker.send("in", "large", &[]).await;
    let dead = broker.take("in.dead", 1).await.remove(0);
    assert_eq!((dead.body.as_str(), dead.header("weft-reason").as_deref()), ("large", Some("output-too-large")));
    broker.send("in", "fine", &[]).await;
    assert_eq!(broker.take("out", 1).await[0].body, "fine");
    eventually("both are settled", || source.board.status().events == 2).await;
    reading.end().await.unwrap();
    assert_eq!((stage.handled(), broker.depth("in").await), (2, Some(0)), "it was tried once");
    let letters = stage.around.letters.kept.lock().clone();
    assert!(letters.len() == 1 && letters[0].failure.message.contains("17825792 bytes"), "{:?}", letters[0].failure);
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_shorter_comes_back_earlier() {
    let Some(broker) = Broker::find("waits").await else { return };
    broker.prepare("in").await;
    let waits = [("c", 2_500), ("a", 60), ("b", 900)];
    for (body, _) in waits {
        broker.send("in", body, &[]).await;
    }
    let stage = Stage::answering(move |event, attempt| {
        let wait = waits.iter().find(|(body, _)| event.data == *body).map_or(0, |(_, wait)| *wait);
        let failure = Failure { retry_after_ms: Some(wait), ..Failure::transient("busy", "later") };
        if attempt == 1 { Err(failure) } else { Ok(vec![]) }
    });
    let reading = stage.source(broker.trigger("batch = { events = 3, wait = \"1s\" }")).begin();
    eventually("all came again", || stage.handled() == 6).await;
    assert_eq!(stage.data(), ["c", "a", "b", "a", "b", "c"]);
    reading.end().await.unwrap();
    broker.clean().await;
}
