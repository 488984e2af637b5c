//! The way in with TLS and a password, against the server of `WEFT_TEST_KAFKA_TLS`.

use std::{path::Path, sync::Arc};

use host_core::{Name, grant::KafkaTopic, manifest::KafkaTrigger, ports::TriggerState, size::Millis};

use super::{
    broker::Stage,
    house::{House, Script, config, read, trigger},
};
use crate::{
    fakes::{Around, Keyring, event},
    kafka::{Config, KafkaPublisher},
};

const USER: &str = "weft";
const PASSWORD: &str = "only-for-tests";

/// Where the server listens, and what to trust there.
fn secure() -> Option<(String, String)> {
    let Ok(told) = std::env::var("WEFT_TEST_KAFKA_TLS") else {
        eprintln!("not tried on Kafka with TLS: `cargo xtask test` does, or set WEFT_TEST_KAFKA_TLS");
        return None;
    };
    let (place, file) = told.split_once(',').unwrap();
    Some((place.to_owned(), std::fs::read_to_string(Path::new(file)).unwrap()))
}

/// A trigger of the stage by the way with TLS.
fn by_tls(stage: &Stage, place: &str, mechanism: &str) -> KafkaTrigger {
    let sasl =
        format!("sasl = {{ mechanism = \"{mechanism}\", username = \"{USER}\", password = \"kafka-password\" }}");
    trigger(place, &stage.trigger(&format!("tls = {{ ca = \"kafka-ca\" }}\n{sasl}\n")))
}

fn keyring(ca: &str, password: &str) -> Arc<Keyring> {
    Keyring::of([("kafka-ca", ca), ("kafka-password", password)])
}

/// A certificate of somebody else.
fn another() -> String {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_go_in_and_out_by_tls_whatever_says_who_the_host_is() {
    let Some((place, ca)) = secure() else { return };
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let Some(stage) = Stage::new("tls", 2).await else { return };
        let rooms = || {
            let mut rooms = Around::answering(crate::fakes::echo).rooms();
            rooms.secrets = keyring(&ca, PASSWORD);
            rooms
        };
        let trigger = by_tls(&stage, &place, mechanism);
        let publisher = KafkaPublisher::new(rooms());
        let to = KafkaTopic { cluster: trigger.cluster.clone(), topic: stage.to.clone() };
        publisher.publish(&Name::default_project(), &to, vec![event("p", "published")]).await.unwrap();
        let house = House::within(rooms(), trigger, config(), Script::echo());
        stage.write(2, 0..50);
        let seen = read(&stage.brokers, &stage.to, |seen| seen.len() >= 101).await;
        assert_eq!(seen.iter().filter(|it| it.payload == "published").count(), 1, "{mechanism}");
        assert_eq!(house.board.status().state, TriggerState::Running);
        house.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_authority_are_told_without_a_secret() {
    let (Some((place, ca)), Some(stage)) = (secure(), Stage::new("refused", 1).await) else { return };
    const WRONG: &str = "hunter22-is-wrong";
    let brief = || Config { connect: Millis(4_000), ..config() };
    let stranger = another();
    let ways = [
        ("PLAIN", ca.as_str(), WRONG, "uthentication failed"),
        ("SCRAM-SHA-256", ca.as_str(), WRONG, "uthentication failed"),
        ("PLAIN", stranger.as_str(), PASSWORD, "certificate verify failed"),
    ];
    for (mechanism, ca, password, cause) in ways {
        let mut rooms = Around::answering(crate::fakes::echo).rooms();
        rooms.secrets = keyring(ca, password);
        let error = House::within(rooms, by_tls(&stage, &place, mechanism), brief(), Script::echo()).ends().await;
        let told = error.to_string();
        assert!(told.starts_with(&format!("could not open Kafka at {place}")) && told.contains(cause), "{told}");
        assert!(!told.contains(password) && !told.contains("BEGIN CERTIFICATE"), "{told}");
    }
}
