//! Ordered triggers: one host at a time, one message at a time, retries where they stand.

use host_core::event::Failure;

use super::{
    broker::Broker,
    stage::{Stage, eventually},
};

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_keep_the_order_and_only_one_reads() {
    let Some(broker) = Broker::find("order").await else { return };
    let trigger = || broker.trigger("ordered = true\nretry = { attempts = 3, backoff = \"10ms\" }");
    let fail = |event: &host_core::event::Event, attempt| {
        let is_odd = event.data.ends_with(b"3") && attempt < 3;
        if is_odd { Err(Failure::transient("busy", "later")) } else { Ok(vec![]) }
    };
    let (one, two) = (Stage::answering(fail), Stage::answering(fail));
    let first = one.source(trigger()).begin();
    for n in 0..40 {
        broker.send("in", &n.to_string(), &[]).await;
    }
    eventually("the first reads", || one.handled() > 0).await;
    let second = two.source(trigger()).begin();
    eventually("all are done", || one.handled() == 48).await;
    let mut order = one.data();
    order.dedup();
    assert_eq!(order, (0..40).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(two.handled(), 0);
    assert_eq!(broker.depth("in.retry.100").await, None);
    first.end().await.unwrap();
    for n in 40..50 {
        broker.send("in", &n.to_string(), &[]).await;
    }
    eventually("the second takes over", || two.handled() == 12).await;
    let mut order = two.data();
    order.dedup();
    assert_eq!(order, (40..50).map(|n| n.to_string()).collect::<Vec<_>>());
    second.end().await.unwrap();
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waits_where_it_stands_is_given_back_at_the_end() {
    let Some(broker) = Broker::find("stand").await else { return };
    let stage = Stage::answering(|_, _| Err(Failure::transient("busy", "later")));
    let source = stage.source(broker.trigger("ordered = true\nretry = { backoff = \"1m\", max_backoff = \"1m\" }"));
    let reading = source.begin();
    broker.send("in", "a", &[]).await;
    broker.send("in", "b", &[]).await;
    eventually("it waits", || source.board.status().cause.is_some()).await;
    assert_eq!(source.board.status().cause.as_deref(), Some("later"));
    reading.end().await.unwrap();
    broker.eventually_depth("in", 2).await;
    let bodies: Vec<_> = broker.take("in", 2).await.into_iter().map(|it| it.body).collect();
    assert_eq!(bodies, ["a", "b"]);
    broker.clean().await;
}
