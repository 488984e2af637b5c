//! The server, seen from its other side: queues of one test, what is sent to them and what is found in them.

use std::{collections::HashSet, time::Duration};

use futures_util::StreamExt as _;
use host_core::CallId;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::*,
    types::{AMQPValue, FieldTable, ShortString},
};
use parking_lot::Mutex;

/// The queues of one test.
pub(super) struct Broker {
    url: String,
    connection: Connection,
    prefix: String,
    /// The queues that this test has declared itself.
    declared: Mutex<HashSet<String>>,
}

/// A message that was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) body: String,
    pub(super) properties: BasicProperties,
}

impl Found {
    pub(super) fn header(&self, name: &str) -> Option<String> {
        match self.properties.headers().as_ref()?.inner().get(name)? {
            AMQPValue::LongString(it) => Some(it.to_string()),
            AMQPValue::LongInt(it) => Some(it.to_string()),
            other => panic!("{name} is {other:?}"),
        }
    }
}

impl Broker {
    /// On the server of `WEFT_TEST_AMQP`, if there is one.
    pub(super) async fn find(test: &str) -> Option<Self> {
        let Ok(url) = std::env::var("WEFT_TEST_AMQP") else {
            eprintln!("not tried on AMQP: `cargo xtask test` does, or set WEFT_TEST_AMQP");
            return None;
        };
        let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
        let (scheme, rest) = url.split_once("://").unwrap();
        let url = format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, place)| place));
        Some(Self {
            url,
            connection,
            prefix: format!("weft-test-{test}-{}", CallId::next()),
            declared: Mutex::default(),
        })
    }

    /// The address without user and password.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Host and port.
    pub(super) fn place(&self) -> String {
        self.url.split("://").nth(1).unwrap().split('/').next().unwrap().to_owned()
    }

    pub(super) fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    /// A trigger that reads the queue `in`. `{name}` stands for the name of a queue of this test.
    pub(super) fn trigger(&self, more: &str) -> String {
        let mut text = more.to_owned();
        while let Some(begin) = text.find('{') {
            let inner = text[begin..].find('}').map(|end| text[begin + 1..begin + end].to_owned());
            let Some(name) = inner.filter(|it| it.chars().all(char::is_alphanumeric)) else { break };
            text = text.replace(&format!("{{{name}}}"), &self.name(&name));
        }
        format!("kind = \"amqp\"\nurl = \"{}\"\nqueue = \"{}\"\n{text}\n", self.url, self.name("in"))
    }

    async fn channel(&self) -> Channel {
        self.connection.create_channel().await.unwrap()
    }

    pub(super) async fn declare(&self, name: &str) {
        self.declare_as(name, "quorum", false).await;
    }

    pub(super) async fn declare_classic(&self, name: &str) {
        self.declare_as(name, "classic", false).await;
    }

    /// As the source declares it, so that messages can be there before it.
    pub(super) async fn prepare(&self, name: &str) {
        self.declare_as(name, "quorum", true).await;
    }

    async fn declare_as(&self, name: &str, kind: &str, is_ours: bool) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
        if is_ours {
            arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(i32::MAX));
        }
        let queue = ShortString::from(self.name(name));
        self.channel().await.queue_declare(queue, QueueDeclareOptions::durable(), arguments).await.unwrap();
        self.declared.lock().insert(name.to_owned());
    }

    /// Binds a queue to an exchange of this test, which is declared.
    pub(super) async fn bind(&self, name: &str, exchange: &str, key: &str) {
        let channel = self.channel().await;
        let (name, exchange) = (ShortString::from(self.name(name)), ShortString::from(self.name(exchange)));
        let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
        let kind = lapin::ExchangeKind::Topic;
        channel.exchange_declare(exchange.clone(), kind, durable, FieldTable::default()).await.unwrap();
        let options = QueueBindOptions::default();
        channel.queue_bind(name, exchange, key.into(), options, FieldTable::default()).await.unwrap();
    }

    pub(super) async fn send(&self, name: &str, body: &str, headers: &[(&str, &str)]) {
        let mut table = FieldTable::default();
        for (name, value) in headers {
            table.insert((*name).into(), AMQPValue::LongString(value.as_bytes().into()));
        }
        self.send_with(name, body, BasicProperties::default().with_headers(table)).await;
    }

    /// Once the queue is there and somebody reads it, unless this test has declared it: the server loses what is
    /// published to a queue in the moment of its declaration.
    pub(super) async fn send_with(&self, name: &str, body: &str, properties: BasicProperties) {
        if !self.declared.lock().contains(name) {
            self.eventually_read(name).await;
            self.declared.lock().insert(name.to_owned());
        }
        let channel = self.channel().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let sent = channel.basic_publish("".into(), self.name(name).into(), options, body.as_bytes(), properties);
        assert!(sent.await.unwrap().await.unwrap().take_message().is_none(), "there is no queue {name}");
    }

    async fn eventually_read(&self, name: &str) {
        for _ in 0..600 {
            let passive = QueueDeclareOptions::default().passive();
            let channel = self.channel().await;
            let looked = channel.queue_declare(self.name(name).into(), passive, FieldTable::default()).await;
            if looked.is_ok_and(|it| it.consumer_count() > 0) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nobody reads {name}");
    }

    pub(super) async fn publish(&self, exchange: &str, key: &str, body: &str) {
        let (exchange, options) = (ShortString::from(self.name(exchange)), BasicPublishOptions::default());
        let channel = self.channel().await;
        let properties = BasicProperties::default();
        channel.basic_publish(exchange, key.into(), options, body.as_bytes(), properties).await.unwrap();
        channel.close(200, "".into()).await.unwrap();
    }

    /// So many messages of a queue, waited for.
    pub(super) async fn take(&self, name: &str, count: usize) -> Vec<Found> {
        self.eventually_there(name).await;
        let channel = self.channel().await;
        let options = BasicConsumeOptions::default();
        let mut consumer =
            channel.basic_consume(self.name(name).into(), "".into(), options, FieldTable::default()).await.unwrap();
        let mut found = Vec::new();
        while found.len() < count {
            let next = tokio::time::timeout(Duration::from_secs(60), consumer.next()).await;
            let next = next.unwrap_or_else(|_| panic!("{name} has only {} of {count}", found.len())).unwrap().unwrap();
            next.acker.ack(BasicAckOptions::default()).await.unwrap();
            let body = String::from_utf8(next.data).unwrap();
            found.push(Found { body, properties: next.properties });
        }
        // Closed and not only dropped, so that nothing is held by it any more.
        channel.close(200, "".into()).await.unwrap();
        found
    }

    /// How many messages wait; nothing, if there is no such queue.
    pub(super) async fn depth(&self, name: &str) -> Option<u32> {
        let passive = QueueDeclareOptions::default().passive();
        let channel = self.channel().await;
        let looked = channel.queue_declare(self.name(name).into(), passive, FieldTable::default()).await;
        looked.ok().map(|it| it.message_count())
    }

    async fn eventually_there(&self, name: &str) {
        for _ in 0..600 {
            if self.depth(name).await.is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("there is no queue {name}");
    }

    pub(super) async fn eventually_depth(&self, name: &str, count: u32) {
        let mut depth = None;
        for _ in 0..600 {
            depth = self.depth(name).await;
            if depth == Some(count) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{name} has {depth:?} messages, not {count}");
    }

    pub(super) async fn delete(&self, name: &str) {
        self.channel().await.queue_delete(self.name(name).into(), QueueDeleteOptions::default()).await.unwrap();
    }

    /// Deletes all queues of this test.
    pub(super) async fn clean(&self) {
        let waits = [100, 300, 1_000, 3_000, 10_000, 30_000].map(|it| format!("in.retry.{it}"));
        let names = ["in", "in2", "in.dead", "out", "out2", "dead"].into_iter().map(str::to_owned).chain(waits);
        let channel = self.channel().await;
        for name in names {
            channel.queue_delete(self.name(&name).into(), QueueDeleteOptions::default()).await.unwrap();
        }
        channel.exchange_delete(self.name("ex").into(), ExchangeDeleteOptions::default()).await.unwrap();
        self.connection.close(200, "".into()).await.unwrap();
    }
}
