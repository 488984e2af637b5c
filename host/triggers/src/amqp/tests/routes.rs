//! Where outputs go, and what is said when nothing takes them.

use host_core::{event::Output, ports::SourceError};

use super::{
    broker::Broker,
    stage::{Stage, eventually},
};
use crate::{
    fakes::{echo, event},
    handover::Outgoing,
    source::Source as _,
};

fn to(outlet: &str, data: &str) -> Output {
    let mut output = echo(&event("1", data), 1).unwrap().remove(0);
    output.outlet = outlet.to_owned();
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn outlets_lead_to_queues_and_exchanges() {
    let Some(broker) = Broker::find("outlets").await else { return };
    broker.declare("out").await;
    broker.declare("out2").await;
    broker.bind("out2", "ex", "wine.*").await;
    let stage = Stage::answering(|_, _| Ok(vec![to("", "one"), to("red", "two"), to("unknown", "three")]));
    let trigger = broker.trigger("output = \"{out}\"\noutputs = { red = \"{ex}/wine.red\" }");
    let trigger = trigger.replace("{ex}", &broker.name("ex"));
    let source = stage.source(trigger);
    let reading = source.begin();
    broker.send("in", "a", &[]).await;
    let one = broker.take("out", 1).await.remove(0);
    let two = broker.take("out2", 1).await.remove(0);
    assert_eq!((one.body.as_str(), two.body.as_str()), ("one", "two"));
    let ids = [one.header("cloudEvents:id").unwrap(), two.header("cloudEvents:id").unwrap()];
    assert_eq!(ids.map(|it| it.rsplit_once('/').unwrap().1.to_owned()), ["0", "1"]);
    eventually("it is settled", || source.board.status().events == 1).await;
    reading.end().await.unwrap();
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_queue_tells_by_which_key_a_message_came() {
    let Some(broker) = Broker::find("bound").await else { return };
    let stage = Stage::answering(|_, _| Ok(vec![]));
    let bind = format!("bind = [{{ exchange = \"{}\", key = \"wine.#\", declare = \"topic\" }}]", broker.name("ex"));
    let source = stage.source(broker.trigger(&bind));
    let reading = source.begin();
    eventually("it reads", || source.board.status().lag.is_some()).await;
    broker.publish("ex", "wine.red.dry", "a").await;
    eventually("it is handled", || stage.handled() == 1).await;
    assert_eq!(stage.calls.lock()[0].0[0].subject.as_deref(), Some("wine.red.dry"));
    reading.end().await.unwrap();
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_nothing_takes_is_an_error_and_its_message_stays() {
    let Some(broker) = Broker::find("unroutable").await else { return };
    broker.prepare("in").await;
    broker.declare("out").await;
    for body in ["fine", "lost", "fine too"] {
        broker.send("in", body, &[]).await;
    }
    let stage = Stage::answering(|event, _| Ok(vec![to(if event.data == "lost" { "nowhere" } else { "" }, "x")]));
    let more = "output = \"{out}\"\noutputs = { nowhere = \"{missing}\" }\nbatch = { events = 3, wait = \"1s\" }";
    let more = more.replace("{missing}", &broker.name("missing")).replace("{out}", &broker.name("out"));
    let error = stage.source(broker.trigger(&more)).begin().ended().await.unwrap_err();
    let text = format!("nothing takes messages at queue `{}`", broker.name("missing"));
    assert!(matches!(&error, SourceError::Failed(it) if it.starts_with(&text) && it.contains("NO_ROUTE")), "{error}");
    broker.eventually_depth("in", 1).await;
    assert_eq!(broker.take("in", 1).await[0].body, "lost");
    assert_eq!(broker.depth("out").await, Some(2));
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_of_a_replayed_letter_go_where_the_trigger_sends_them() {
    let Some(broker) = Broker::find("replay").await else { return };
    broker.declare("out").await;
    let source = Stage::answering(echo).source(broker.trigger("output = \"{out}\""));
    let outgoing = |data| vec![Outgoing { outlet: String::new(), event: event("9", data) }];
    source.source.send(outgoing("again")).await.unwrap();
    assert_eq!(broker.take("out", 1).await[0].body, "again");
    broker.delete("out").await;
    let error = source.source.send(outgoing("lost")).await.unwrap_err();
    assert!(error.to_string().contains("nothing takes messages"), "{error}");
    broker.clean().await;
}
