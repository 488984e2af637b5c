//! Kafka behind TLS and a password, as somebody deploys it: what it says while it is not let in, and that it reads once it
//! is.

use super::*;

#[test]
fn a_trigger_with_a_wrong_password_says_so_without_it_and_reads_once_it_is_right() {
    let (Ok(told), Some(cluster)) = (std::env::var("WEFT_TEST_KAFKA_TLS"), cluster()) else { return };
    let (place, ca) = told.split_once(',').unwrap();
    let host = Host::start_with(options());
    let folder = tempfile::tempdir().unwrap();
    let set = |name: &str, value: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, value).unwrap();
        host.json(&["secrets", "set", name, "--from-file", file.to_str().unwrap()]);
    };
    host.json(&["secrets", "set", "kafka-ca", "--from-file", ca]);
    set("kafka-password", "hunter22-is-wrong");
    let sasl = "sasl = { mechanism = \"SCRAM-SHA-256\", username = \"weft\", password = \"kafka-password\" }\n";
    let trigger = kafka_trigger(&cluster, &format!("tls = {{ ca = \"kafka-ca\" }}\n{sasl}"));
    let trigger = trigger.replace(&cluster.brokers, place);
    host.deploy("shout", "conformance_handler.wasm", &format!("{trigger}{GRANTS}"));
    let failing = until("it says why", || {
        let status = in_state(&host, "failing");
        status["cause"].as_str().unwrap().contains("uthentication failed").then_some(status)
    });
    assert!(!failing.to_string().contains("hunter22"), "{failing}");
    let log = std::fs::read_to_string(host.data().join("host.log")).unwrap();
    assert!(!log.contains("hunter22") && !log.contains("BEGIN CERTIFICATE"), "{log}");

    set("kafka-password", "only-for-tests");
    in_state(&host, "running");
    send(&cluster, "upper", "1", "let in");
    assert_eq!(cluster.read("out").take(1)[0].text(), "LET IN");
}
