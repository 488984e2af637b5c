//! What functions publish themselves.

use std::sync::Arc;

use host_core::{
    Name,
    grant::AmqpAddress,
    manifest::Amqp,
    ports::{NoSecrets, PublishError},
};

use super::{
    super::{AmqpPublisher, Config},
    broker::Broker,
    cuts::Road,
};
use crate::fakes::event;

fn address(url: &str, to: &str) -> AmqpAddress {
    let server = Amqp { url: url.into(), username: None, password: None, tls: None };
    AmqpAddress { server, to: to.into() }
}

fn publisher() -> AmqpPublisher {
    AmqpPublisher::new(Config::default(), Arc::new(NoSecrets))
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_to_queues_and_exchanges_in_order() {
    let Some(broker) = Broker::find("publish").await else { return };
    broker.declare("out").await;
    broker.declare("out2").await;
    broker.bind("out2", "ex", "a.*").await;
    let (publisher, project) = (publisher(), Name::default_project());
    let events: Vec<_> = (0..2_500).map(|n| event(&n.to_string(), &n.to_string())).collect();
    publisher.publish(&project, &address(broker.url(), &broker.name("out")), events).await.unwrap();
    let bodies: Vec<_> = broker.take("out", 2_500).await.into_iter().map(|it| it.body).collect();
    assert_eq!(bodies, (0..2_500).map(|n| n.to_string()).collect::<Vec<_>>());
    let to = address(broker.url(), &format!("{}/a.b", broker.name("ex")));
    publisher.publish(&project, &to, vec![event("1", "routed")]).await.unwrap();
    let found = broker.take("out2", 1).await.remove(0);
    assert_eq!((found.body.as_str(), found.header("cloudEvents:id").as_deref()), ("routed", Some("1")));
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_takes_is_refused() {
    let Some(broker) = Broker::find("refused").await else { return };
    let (publisher, project) = (publisher(), Name::default_project());
    let send = |to: String| {
        let (publisher, project, to) = (&publisher, &project, address(broker.url(), &to));
        async move { publisher.publish(project, &to, vec![event("1", "x")]).await.unwrap_err() }
    };
    let error = send(broker.name("missing")).await;
    assert!(matches!(&error, PublishError::Refused(it) if it.contains("nothing takes messages")), "{error}");
    let error = send(format!("{}/key", broker.name("nowhere"))).await;
    assert!(matches!(&error, PublishError::Refused(it) if it.contains("no exchange")), "{error}");
    broker.declare("out").await;
    publisher.publish(&project, &address(broker.url(), &broker.name("out")), vec![event("1", "x")]).await.unwrap();
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_opened_again() {
    let Some(broker) = Broker::find("reopen").await else { return };
    broker.declare("out").await;
    let road = Road::to(broker.place()).await;
    let url = broker.url().replace(&broker.place(), &road.place);
    let (publisher, project, to) = (publisher(), Name::default_project(), address(&url, &broker.name("out")));
    publisher.publish(&project, &to, vec![event("1", "x")]).await.unwrap();
    road.cut();
    let mut last = Ok(());
    for _ in 0..50 {
        last = publisher.publish(&project, &to, vec![event("2", "y")]).await;
        match &last {
            Ok(()) => break,
            Err(error) => assert!(matches!(error, PublishError::Unavailable(_)), "{error}"),
        }
    }
    last.unwrap();
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_publish_at_once_and_each_hears_of_its_own() {
    let Some(broker) = Broker::find("several").await else { return };
    broker.declare("out").await;
    let (publisher, project) = (Arc::new(publisher()), Name::default_project());
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let to = address(broker.url(), &broker.name(if n % 4 == 0 { "missing" } else { "out" }));
        let (publisher, project) = (Arc::clone(&publisher), project.clone());
        tasks.spawn(async move { (n % 4 != 0, publisher.publish(&project, &to, vec![event("1", "x"); 5]).await) });
    }
    while let Some(done) = tasks.join_next().await {
        let (is_there, published) = done.unwrap();
        assert_eq!(published.is_ok(), is_there, "{published:?}");
    }
    assert_eq!(broker.take("out", 150).await.len(), 150);
    broker.clean().await;
}
