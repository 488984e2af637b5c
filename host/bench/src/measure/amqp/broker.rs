//! The server under measurement: queues that are declared, filled and counted.

use std::{cell::Cell, process};

use anyhow::{Context as _, Result, ensure};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::{AMQPValue, FieldTable, ShortString},
};
use tokio::runtime::Runtime;

/// How many messages are published before confirmations are awaited.
const WINDOW: u32 = 1_000;

/// A connection to the server.
pub(super) struct Broker {
    url: String,
    runtime: Runtime,
    channel: Channel,
    _connection: Connection,
    made: Cell<u32>,
}

impl Broker {
    pub(super) fn connect(url: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (connection, channel) = runtime.block_on(async {
            let connection = Connection::connect(url, ConnectionProperties::default()).await;
            let connection = connection.context("no AMQP server answers")?;
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            anyhow::Ok((connection, channel))
        })?;
        let broker = Self { url: url.to_owned(), runtime, channel, _connection: connection, made: Cell::new(0) };
        let user = url.split_once("://").and_then(|(_, rest)| Some(rest.rsplit_once('@')?.0));
        ensure!(user.is_none_or(|it| it == "guest:guest"), "the benchmark connects as guest alone");
        Ok(broker)
    }

    /// Its address, as it was given.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Its address without a user, as manifests have it.
    pub(super) fn address(&self) -> String {
        match self.url.split_once("://") {
            Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, place)| place)),
            None => self.url.clone(),
        }
    }

    /// A durable quorum queue of its own.
    pub(super) fn queue(&self, what: &str) -> Result<String> {
        let number = self.made.get() + 1;
        self.made.set(number);
        let name = format!("weft-bench-{}-{number}-{what}", process::id());
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let declared =
            self.channel.queue_declare(ShortString::try_new(&*name)?, QueueDeclareOptions::durable(), arguments);
        self.runtime.block_on(declared).context("could not declare a queue")?;
        Ok(name)
    }

    /// Publishes so many events of a size that a guest gives back.
    pub(super) fn fill(&self, queue: &str, messages: u32, size: usize) -> Result<()> {
        let (queue, body) = (ShortString::try_new(queue)?, vec![b'x'; size]);
        let mut number = 0;
        while number < messages {
            let until = messages.min(number + WINDOW);
            self.runtime.block_on(self.publish(&queue, &body, number..until))?;
            number = until;
        }
        Ok(())
    }

    async fn publish(&self, queue: &ShortString, body: &[u8], numbers: std::ops::Range<u32>) -> Result<()> {
        let mut confirms = Vec::new();
        for number in numbers {
            let (exchange, options) = (ShortString::default(), BasicPublishOptions::default());
            let sent = self.channel.basic_publish(exchange, queue.clone(), options, body, event(number)).await;
            confirms.push(sent.context("could not publish")?);
        }
        for confirm in confirms {
            ensure!(confirm.await.context("could not publish")?.is_ack(), "the server took no message");
        }
        Ok(())
    }

    /// How many messages wait in a queue.
    pub(super) fn count(&self, queue: &str) -> Result<u32> {
        let passive = QueueDeclareOptions::default().passive();
        let asked = self.channel.queue_declare(ShortString::try_new(queue)?, passive, FieldTable::default());
        Ok(self.runtime.block_on(asked).context("could not look at a queue")?.message_count())
    }

    /// Deletes queues, whatever is in them.
    pub(super) fn delete(&self, queues: &[&str]) -> Result<()> {
        for queue in queues {
            let asked = self.channel.queue_delete(ShortString::try_new(*queue)?, QueueDeleteOptions::default());
            self.runtime.block_on(asked).context("could not delete a queue")?;
        }
        Ok(())
    }
}

/// A CloudEvent that the guest echoes.
fn event(number: u32) -> BasicProperties {
    let number = number.to_string();
    let attributes = [("specversion", "1.0"), ("id", &*number), ("source", "/bench"), ("type", "echo")];
    let mut headers = FieldTable::default();
    for (name, value) in attributes {
        headers.insert(format!("cloudEvents:{name}").into(), AMQPValue::LongString(value.as_bytes().into()));
    }
    BasicProperties::default().with_headers(headers).with_delivery_mode(2).with_content_type("text/plain".into())
}
