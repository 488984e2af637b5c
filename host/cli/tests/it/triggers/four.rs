//! One function that four kinds of triggers wake, each named to the function.

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::*;

/// An AMQP server, and the queues that a test has there.
struct Server {
    url: String,
    prefix: String,
    runtime: Runtime,
    channel: Channel,
}

impl Server {
    /// The server of `WEFT_TEST_AMQP`, if there is one.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
    fn of_the_tests() -> Option<Self> {
        let Ok(url) = std::env::var("WEFT_TEST_AMQP") else {
            eprintln!("not tried on AMQP: `cargo xtask test` does, or set WEFT_TEST_AMQP");
            return None;
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let channel = runtime.block_on(async {
            let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
            connection.create_channel().await.unwrap()
        });
        // The host is told by other keys who it is.
        let (scheme, rest) = url.split_once("://").unwrap();
        let url = format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, it)| it));
        let prefix = format!("triggers-{}-{:08x}", std::process::id(), rand::random::<u32>());
        let server = Self { url, prefix, runtime, channel };
        ["in", "out"].into_iter().for_each(|it| server.declare(it));
        Some(server)
    }

    fn queue(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// Makes a queue as the host would.
    fn declare(&self, name: &str) {
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(i32::MAX));
        let declared = self.channel.queue_declare(self.queue(name).as_str().into(), options, arguments);
        self.runtime.block_on(declared).unwrap();
    }

    /// Sends an event of a type to the queue `in`.
    fn send(&self, kind: &str) {
        let event = json!({ "specversion": "1.0", "id": "amqp-1", "source": "/tests", "type": kind, "data": {} });
        let properties = BasicProperties::default().with_content_type("application/cloudevents+json".into());
        let (queue, options) = (self.queue("in"), BasicPublishOptions::default());
        let data = event.to_string();
        let sent = self.channel.basic_publish("".into(), queue.as_str().into(), options, data.as_bytes(), properties);
        self.runtime.block_on(async { sent.await.unwrap().await.unwrap() });
    }

    /// The next message of the queue `out`.
    fn take(&self) -> Value {
        let (queue, options) = (self.queue("out"), BasicGetOptions { no_ack: true });
        let data = until("a message comes", || {
            let got = self.runtime.block_on(self.channel.basic_get(queue.as_str().into(), options));
            got.unwrap().map(|it| it.delivery.data.clone())
        });
        serde_json::from_slice(&data).unwrap()
    }
}

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
    let (Some(cluster), Some(server)) = (Cluster::of_the_tests(), Server::of_the_tests()) else { return };
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

    cluster.send("context", "kafka-1", "{}");
    let record: Value = serde_json::from_str(&cluster.read("out").take(1)[0].text()).unwrap();
    assert_eq!(woken_by(&record), ("kafka", "records"));
    assert_eq!(record["origin"]["topic"].as_str(), Some(cluster.topic("in").as_str()), "{record}");
    // RabbitMQ may lose a message that is published while its queue is being declared once more.
    until("the queue is read", || is_running(&host, "messages").then_some(()));
    server.send("context");
    let message = server.take();
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
