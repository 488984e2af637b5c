//! The same over AMQP: records and models from queues, scores into one.

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicAckOptions, BasicGetOptions, BasicPublishOptions, QueueDeclareOptions},
    types::FieldTable,
};
use tokio::runtime::Runtime;

use super::*;

/// A server, and the queues that a test has there.
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
        // The host is told who it is by other keys.
        let (scheme, rest) = url.split_once("://").unwrap();
        let url = format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, it)| it));
        let prefix = format!("models-{}-{:08x}", std::process::id(), rand::random::<u32>());
        Some(Self { url, prefix, runtime, channel })
    }

    fn queue(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// Makes a queue.
    fn declare(&self, name: &str) {
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), lapin::types::AMQPValue::LongString("quorum".into()));
        let declared = self.channel.queue_declare(self.queue(name).as_str().into(), options, arguments);
        self.runtime.block_on(declared).unwrap();
    }

    fn send(&self, queue: &str, data: &[u8]) {
        let properties = BasicProperties::default().with_content_type("application/json".into());
        let queue = self.queue(queue);
        let options = BasicPublishOptions::default();
        let sent = self.channel.basic_publish("".into(), queue.as_str().into(), options, data, properties);
        self.runtime.block_on(async { sent.await.unwrap().await.unwrap() });
    }

    fn take(&self, queue: &str) -> Value {
        let queue = self.queue(queue);
        until("a message came", || {
            self.runtime.block_on(async {
                let got = self.channel.basic_get(queue.as_str().into(), BasicGetOptions::default()).await.unwrap()?;
                got.delivery.ack(BasicAckOptions::default()).await.unwrap();
                Some(serde_json::from_slice(&got.delivery.data).unwrap())
            })
        })
    }
}

#[test]
fn a_model_that_arrives_in_a_queue_scores_what_arrives_in_another() {
    let Some(server) = Server::of_the_tests() else { return };
    ["records", "scores"].iter().for_each(|it| server.declare(it));
    let host = Host::start();
    let (records, scores) = (server.queue("records"), server.queue("scores"));
    let trigger = format!(
        "kind = \"amqp\"\nurl = \"{}\"\nqueue = \"{records}\"\noutput = \"{scores}\"\npassive = true\n",
        server.url
    );
    deploy_scorer(&host, "[\"wine\"]", &trigger);
    server.send("records", &record("a", 0));
    assert_eq!(metadata(&server.take("scores"))["errors"], "No model server defined");

    let queue = server.queue("models");
    host.json(&["models", "streams", "add", "wine-models", "--amqp", &server.url, "--queue", &queue]);
    // The host makes the queue.
    until("the stream is read", || {
        // The host learns of it in a moment.
        let shown = host.run(&["triggers", "show", "models/wine-models", "--json"]);
        let shown: Value = serde_json::from_slice(&shown.stdout).ok()?;
        (shown["state"] == "running").then_some(())
    });
    server.send("models", b"{}");
    server.send("models", &descriptor("wine", "1", &Fixture::read("standard-logistic").bytes));
    in_force(&host, "wine", 1);
    server.send("records", &record("a", 1));
    let score = server.take("scores");
    assert_eq!((&metadata(&score)["modelVersion"], &metadata(&score)["errors"]), (&json!(1), &json!("")), "{score}");
    until("what is no descriptor is given up", || {
        let letters = host.json(&["dead-letters", "list", "models/wine-models"]);
        (letters["items"][0]["failure"]["code"] == "bad-descriptor").then_some(())
    });
}
