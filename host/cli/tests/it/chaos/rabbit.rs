//! A steady stream of messages into RabbitMQ, and a reader of what comes out.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};

use super::{
    kafka::{data, parse},
    ledger::{Seen, Sent, id},
};
use crate::support::PATIENCE;

/// After how long a silence nothing more is expected, once all that is wanted is there.
const SILENCE: Duration = Duration::from_secs(2);

/// How often messages are sent.
const TICK: Duration = Duration::from_millis(20);

/// Makes a queue that outlives its broker.
pub(crate) fn create_queue(url: &str, queue: &str) {
    block_on(async {
        let (_connection, channel) = open(url).await.unwrap();
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(queue.into(), options, arguments).await.unwrap();
    });
}

/// Sends so many messages a second until `stop`, to a queue that is there.
pub(crate) fn send(url: &str, queue: &str, per_second: u32, stop: Arc<AtomicBool>) -> JoinHandle<Sent> {
    let (url, queue) = (url.to_owned(), queue.to_owned());
    thread::spawn(move || {
        let mut sender = Sender { url, queue, per_second, count: 0, started: Instant::now(), sent: Sent::default() };
        block_on(sender.run(&stop));
        sender.sent
    })
}

struct Sender {
    url: String,
    queue: String,
    per_second: u32,
    count: u32,
    started: Instant,
    sent: Sent,
}

impl Sender {
    async fn run(&mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            // A broker that starts again is waited for.
            if let Ok((_connection, channel)) = open(&self.url).await {
                while !stop.load(Ordering::Relaxed) && self.send_due(&channel).await {
                    tokio::time::sleep(TICK).await;
                }
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Sends what is due and waits for the confirms; whether the broker is still there. What it did not confirm may have
    /// arrived or not, and is not sent again.
    async fn send_due(&mut self, channel: &Channel) -> bool {
        let mut waiting = Vec::new();
        let mut is_there = true;
        while is_there && f64::from(self.count) < self.started.elapsed().as_secs_f64() * f64::from(self.per_second) {
            let id = id("m", u64::from(self.count) + 1);
            self.count += 1;
            let data = data("m", u64::from(self.count));
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let queue = self.queue.as_str();
            match channel.basic_publish("".into(), queue.into(), options, data.as_bytes(), properties(&id)).await {
                Ok(confirm) => waiting.push((id, confirm)),
                Err(_) => {
                    self.sent.unsure.insert(id);
                    is_there = false;
                }
            }
        }
        for (id, confirm) in waiting {
            if matches!(confirm.await, Ok(Confirmation::Ack(None))) {
                self.sent.confirmed.insert(id);
            } else {
                self.sent.unsure.insert(id);
                is_there = false;
            }
        }
        is_there
    }
}

fn properties(id: &str) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, value) in [("specversion", "1.0"), ("id", id), ("type", "stamp"), ("source", "urn:chaos")] {
        headers.insert(format!("cloudEvents:{name}").as_str().into(), AMQPValue::LongString(value.into()));
    }
    BasicProperties::default().with_delivery_mode(2).with_content_type("application/json".into()).with_headers(headers)
}

/// Everything in a queue, once it holds what is wanted, or nothing more comes for long.
pub(crate) fn read(url: &str, queue: &str, wanted: &HashSet<String>) -> Vec<Seen> {
    block_on(async {
        let (_connection, channel) = open(url).await.unwrap();
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let mut messages =
            channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await.unwrap();
        let mut seen = Vec::new();
        let mut missing: HashSet<&str> = wanted.iter().map(String::as_str).collect();
        loop {
            let patience = if missing.is_empty() { SILENCE } else { PATIENCE };
            let Ok(Some(message)) = tokio::time::timeout(patience, messages.next()).await else { return seen };
            let one = parse(&message.unwrap().data, None, 0);
            missing.remove(one.id.as_str());
            seen.push(one);
        }
    })
}

async fn open(url: &str) -> lapin::Result<(Connection, Channel)> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok((connection, channel))
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
