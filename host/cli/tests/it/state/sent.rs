//! Events that functions send at once: to functions, to topics, to queues.

use std::time::Duration;

use rdkafka::{
    ClientConfig, Message as _,
    consumer::{BaseConsumer, Consumer as _},
    message::Headers as _,
};
use serde_json::{Value, json};

use super::{COUNTER, ask, logged, send, server, unique};
use crate::support::{Host, PATIENCE, until};

/// Deploys the guest that sends, with one destination.
fn sender(host: &Host, to: &str) {
    let manifest = format!("record = \"all\"\n[grants]\npublish = [{{ name = \"next\", {to} }}]\n");
    host.deploy("sender", "conformance_publish.wasm", &manifest);
}

fn items(ids: std::ops::RangeInclusive<u64>) -> Vec<Value> {
    ids.map(|id| json!({ "key": "red", "id": id })).collect()
}

fn counted(host: &Host, wanted: u64) {
    until("the events to be counted", || {
        (ask(host, "counter", "get", &json!({ "key": "red" }))["count"] == wanted).then_some(())
    });
}

#[test]
fn a_function_wakes_another_and_what_was_sent_outlives_kill_9_and_a_failure() {
    let mut host = Host::start();
    host.deploy("counter", "conformance_state.wasm", COUNTER);
    sender(&host, "function = \"counter\"");
    assert_eq!(ask(&host, "sender", "x", &json!({ "to": "next", "type": "item", "events": items(1..=5) })), 5);
    counted(&host, 5);
    let (status, _) =
        send(&host, "sender", "x", &json!({ "to": "next", "type": "item", "events": items(6..=9), "then_fail": true }));
    assert_eq!(status, 503);
    host.kill();
    host.restart();
    counted(&host, 9);
}

#[test]
fn a_destination_that_is_not_granted_is_told_with_the_line_to_add() {
    let host = Host::start();
    let folder = host.function("sender", "conformance_publish.wasm", "");
    let (_, told) = host.fails(&["deploy", folder.to_str().unwrap()]);
    assert!(told.contains("weft:function/publish") && told.contains("publish = [{ name = "), "{told}");
    sender(&host, "function = \"nobody\"");
    let (status, told) = send(&host, "sender", "x", &json!({ "to": "other", "events": [1] }));
    assert!(status == 500 && told.to_string().contains("is not granted"), "{status} {told}");
    logged(&host, "sender", "sending to `other` is not granted: add { name = \"other\", function = \"other\" }");
    let (status, told) = send(&host, "sender", "x", &json!({ "to": "next", "events": [1] }));
    assert_eq!(status, 500, "there is no such function: {told}");
    logged(&host, "sender", "events were not sent to `next`");
    let (status, told) = send(&host, "sender", "x", &json!({ "to": "next", "type": "", "events": [1] }));
    assert!(status == 500 && told.to_string().contains("no type"), "{status} {told}");
}

#[test]
fn functions_that_wake_each_other_in_a_circle_come_to_an_end() {
    let host = Host::start();
    let manifest = "record = \"all\"\n[grants]\npublish = [{ name = \"next\", function = \"sender\" }]\n";
    host.deploy("sender", "conformance_publish.wasm", manifest);
    // Each event tells the next one to send the same, nested deeper than any chain may be.
    let mut event = json!({ "to": "next", "events": [] });
    for _ in 0..12 {
        event = json!({ "to": "next", "type": "x", "events": [event] });
    }
    assert_eq!(ask(&host, "sender", "x", &event), 1);
    logged(&host, "sender", "a longer chain is taken for a circle");
}

#[test]
fn a_function_sends_to_a_topic() {
    let Some(brokers) = server("WEFT_TEST_KAFKA") else { return };
    let (host, topic) = (Host::start(), unique("sent"));
    sender(&host, &format!("kafka = {{ brokers = [\"{brokers}\"], topic = \"{topic}\" }}"));
    let order = json!({ "to": "next", "type": "order.placed", "key": "red", "events": [{ "n": 1 }, { "n": 2 }] });
    assert_eq!(ask(&host, "sender", "x", &order), 2);
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", &brokers).set("group.id", &topic).set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = settings.create().unwrap();
    consumer.subscribe(&[&topic]).unwrap();
    let mut read = Vec::new();
    until("both records", || {
        if let Some(Ok(record)) = consumer.poll(Duration::from_millis(200)) {
            assert_eq!(record.key(), Some(&b"red"[..]));
            let headers = record.headers().unwrap();
            let header = |name: &str| headers.iter().find(|it| it.key == name).and_then(|it| it.value).unwrap();
            assert_eq!(header("ce_type"), b"order.placed");
            assert!(String::from_utf8_lossy(header("ce_id")).contains("/publish/"));
            assert_eq!(header("ce_source"), b"/fn/sender");
            read.push(String::from_utf8(record.payload().unwrap().to_vec()).unwrap());
        }
        (read.len() == 2).then_some(())
    });
    assert_eq!(read, ["{\"n\":1}", "{\"n\":2}"], "in order");
}

#[test]
fn a_function_sends_to_a_queue() {
    let Some(url) = server("WEFT_TEST_AMQP") else { return };
    let (host, queue) = (Host::start(), unique("sent"));
    // User and password are no part of an address in a manifest; those of a fresh server are known to all.
    let (scheme, rest) = url.split_once("://").unwrap();
    let (credentials, place) = rest.rsplit_once('@').unwrap();
    let (user, password) = credentials.split_once(':').unwrap();
    let secret = host.file("password", password);
    host.json(&["secrets", "set", "amqp-password", "--from-file", &secret]);
    let server = format!("url = \"{scheme}://{place}\", username = \"{user}\", password = \"amqp-password\"");
    sender(&host, &format!("amqp = {{ {server}, to = \"{queue}\" }}"));
    let order = json!({ "to": "next", "type": "order.placed", "events": [{ "n": 1 }, { "n": 2 }] });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let read = runtime.block_on(async {
        let connection = lapin::Connection::connect(&url, lapin::ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let options = lapin::options::QueueDeclareOptions { auto_delete: true, ..Default::default() };
        channel.queue_declare(queue.as_str().into(), options, Default::default()).await.unwrap();
        let answer = ask(&host, "sender", "x", &order);
        assert_eq!(answer, 2);
        let mut read = Vec::new();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while read.len() < 2 && tokio::time::Instant::now() < deadline {
            let got = channel.basic_get(queue.as_str().into(), lapin::options::BasicGetOptions { no_ack: true }).await;
            match got.unwrap() {
                Some(message) => read.push(String::from_utf8(message.delivery.data.clone()).unwrap()),
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        read
    });
    assert_eq!(read, ["{\"n\":1}", "{\"n\":2}"], "in order");
}
