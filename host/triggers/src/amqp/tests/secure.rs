//! The way in with TLS, against the server of `WEFT_TEST_AMQP_TLS`.

use std::sync::Arc;

use host_core::{
    Name,
    grant::AmqpAddress,
    manifest::Tls,
    ports::{PublishError, TriggerState},
};

use super::{
    super::{AmqpPublisher, Config},
    broker::Broker,
    stage::Stage,
};
use crate::fakes::{Keyring, echo, event};

/// Where the server listens, and what to trust there.
fn secure() -> Option<(String, String)> {
    let Ok(told) = std::env::var("WEFT_TEST_AMQP_TLS") else {
        eprintln!("not tried on AMQP with TLS: `cargo xtask test` does, or set WEFT_TEST_AMQP_TLS");
        return None;
    };
    let (url, file) = told.rsplit_once(',').unwrap();
    Some((url.to_owned(), std::fs::read_to_string(file).unwrap()))
}

fn keyring(ca: &str, password: &str) -> Arc<Keyring> {
    Keyring::of([("amqp-ca", ca), ("amqp-password", password)])
}

/// A trigger that reads a queue of the test by the way with TLS.
fn by_tls(broker: &Broker, url: &str) -> String {
    let trigger = broker.trigger("output = \"{out}\"").replace(broker.url(), url);
    format!("{trigger}username = \"guest\"\npassword = \"amqp-password\"\ntls = {{ ca = \"amqp-ca\" }}\n")
}

/// A certificate of somebody else.
fn another() -> String {
    rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap().cert.pem()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_in_and_out_by_tls() {
    let (Some((url, ca)), Some(broker)) = (secure(), Broker::find("tls").await) else { return };
    broker.declare("out").await;
    let stage = Stage::answering(echo);
    let playing = stage.source_with(by_tls(&broker, &url), keyring(&ca, "guest"));
    let reading = playing.begin();
    for n in 0..20 {
        broker.send("in", &n.to_string(), &[]).await;
    }
    assert_eq!(broker.take("out", 20).await.len(), 20);
    assert_eq!(playing.board.status().state, TriggerState::Running);
    reading.end().await.unwrap();
    let mut server = playing.server();
    let publisher = AmqpPublisher::new(Config::default(), keyring(&ca, "guest"));
    let to = AmqpAddress { server: server.clone(), to: broker.name("out") };
    publisher.publish(&Name::default_project(), &to, vec![event("1", "published")]).await.unwrap();
    assert_eq!(broker.take("out", 1).await[0].body, "published");
    server.tls = Some(Tls { ca: None, certificate: None, key: None });
    let to = AmqpAddress { server, to: broker.name("out") };
    let error = publisher.publish(&Name::default_project(), &to, vec![event("2", "x")]).await.unwrap_err();
    assert!(
        matches!(error, PublishError::Unavailable(_)),
        "the machine's own authorities know no such server: {error}"
    );
    broker.clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_authority_are_told_without_a_secret() {
    let (Some((url, ca)), Some(broker)) = (secure(), Broker::find("untrusted").await) else { return };
    const WRONG: &str = "hunter22-is-wrong";
    let stranger = another();
    for (ca, password, cause) in [(ca.as_str(), WRONG, "ACCESS_REFUSED"), (stranger.as_str(), "guest", "certificate")] {
        let stage = Stage::answering(echo);
        let reading = stage.source_with(by_tls(&broker, &url), keyring(ca, password)).begin();
        let told = reading.ended().await.unwrap_err().to_string();
        assert!(told.starts_with("could not connect to 127.0.0.1:") && told.contains(cause), "{told}");
        assert!(!told.contains(WRONG) && !told.contains("BEGIN CERTIFICATE"), "{told}");
    }
    broker.clean().await;
}
