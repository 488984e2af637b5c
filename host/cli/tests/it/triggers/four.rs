//! One function that four kinds of triggers wake, each named to the function.

use serde_json::{Value, json};

use super::*;
use crate::support::queues::Queues;

/// What the function was told woke it.
fn woken_by(answer: &Value) -> (&str, &str) {
    (answer["trigger"]["kind"].as_str().unwrap(), answer["trigger"]["name"].as_str().unwrap())
}

/// Whether a trigger reads.
fn is_running(host: &Host, name: &str) -> bool {
    let listed = host.json(&["triggers", "list"]);
    listed["items"].as_array().unwrap().iter().any(|it| it["name"] == name && it["state"] == "running")
}

#[test]
fn one_function_is_woken_by_four_triggers_and_knows_by_which() {
    let (Some(cluster), Some(server)) = (cluster(), Queues::with(&["in", "out"])) else { return };
    let host = Host::start_with(options());
    let kafka = kafka_trigger(&cluster, "name = \"records\"\n");
    let (url, queue, output) = (&server.url, server.queue("in"), server.queue("out"));
    let amqp = format!(
        "[[triggers]]\nkind = \"amqp\"\nname = \"messages\"\nurl = \"{url}\"\nqueue = \"{queue}\"\noutput = \"{output}\"\n"
    );
    let http = "[[triggers]]\nkind = \"http\"\npath = \"/who\"\n";
    let clock =
        "[[triggers]]\nkind = \"schedule\"\nname = \"tick\"\ncron = \"* * * * * *\"\nretry = { attempts = 1 }\n";
    host.deploy("who", "conformance_handler.wasm", &format!("{http}{kafka}{amqp}{clock}{GRANTS}"));

    send(&cluster, "context", "kafka-1", "{}");
    let record: Value = serde_json::from_str(&cluster.read("out").take(1)[0].text()).unwrap();
    assert_eq!(woken_by(&record), ("kafka", "records"));
    assert_eq!(record["origin"]["topic"].as_str(), Some(cluster.topic("in").as_str()), "{record}");
    // RabbitMQ may lose a message that is published while its queue is being declared once more.
    until("the queue is read", || is_running(&host, "messages").then_some(()));
    let event = json!({ "specversion": "1.0", "id": "amqp-1", "source": "/tests", "type": "context", "data": {} });
    server.send("in", "application/cloudevents+json", event.to_string().as_bytes());
    let message = server.take("out");
    assert_eq!(woken_by(&message), ("amqp", "messages"));
    let headers = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/t"), ("ce-type", "context")];
    let (status, body) = host.send_with("POST", "/who", None, &headers, b"{}");
    assert_eq!(status, 200, "{body}");
    assert_eq!(woken_by(&serde_json::from_str(&body).unwrap()).0, "http");
    // It knows no behaviour of the clock's name, which the record of its call tells.
    let call =
        until("the clock strikes", || host.calls("function=who", 1).into_iter().find(|it| it["trigger"] == "schedule"));
    assert_eq!(call["trigger_name"], "tick");
    let listed = host.json(&["triggers", "list"]);
    let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["messages", "records", "tick"], "routes are no streams");
}
