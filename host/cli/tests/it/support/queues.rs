//! An AMQP server, and the queues that a test has there.

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::until;

/// A server, and the queues that a test has there.
pub(crate) struct Queues {
    /// Where it answers, without user and password: the host is told by other keys who it is.
    pub(crate) url: String,
    prefix: String,
    runtime: Runtime,
    channel: Channel,
}

impl Queues {
    /// The server of `WEFT_TEST_AMQP`, if there is one, with these queues.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
    pub(crate) fn with(queues: &[&str]) -> Option<Self> {
        let Ok(url) = std::env::var("WEFT_TEST_AMQP") else {
            eprintln!("not tried on AMQP: `cargo xtask test` does, or set WEFT_TEST_AMQP");
            return None;
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let channel = runtime.block_on(async {
            let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
            connection.create_channel().await.unwrap()
        });
        let (scheme, rest) = url.split_once("://").unwrap();
        let url = format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, it)| it));
        let prefix = format!("it-{}-{:08x}", std::process::id(), rand::random::<u32>());
        let server = Self { url, prefix, runtime, channel };
        queues.iter().for_each(|it| server.declare(it));
        Some(server)
    }

    /// The queue that the test calls so.
    pub(crate) fn queue(&self, name: &str) -> String {
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

    /// Sends a message of a media type, and waits until it is there.
    pub(crate) fn send(&self, queue: &str, media_type: &str, data: &[u8]) {
        let properties = BasicProperties::default().with_content_type(media_type.into());
        let (queue, options) = (self.queue(queue), BasicPublishOptions::default());
        let sent = self.channel.basic_publish("".into(), queue.as_str().into(), options, data, properties);
        self.runtime.block_on(async { sent.await.unwrap().await.unwrap() });
    }

    /// The next message of a queue.
    pub(crate) fn take(&self, queue: &str) -> Value {
        let (queue, options) = (self.queue(queue), BasicGetOptions { no_ack: true });
        let data = until("a message comes", || {
            let got = self.runtime.block_on(self.channel.basic_get(queue.as_str().into(), options));
            got.unwrap().map(|it| it.delivery.data.clone())
        });
        serde_json::from_slice(&data).unwrap()
    }
}
