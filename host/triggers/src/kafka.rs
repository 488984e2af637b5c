//! The Kafka source: records of topics, in groups, in order, at least once or exactly once.
//!
//! A thread polls the consumer, so that the host stays in its group whatever the function does. Each partition is a
//! `lane` of its own: it takes batches from librdkafka's queue of that partition, hands them over, sends
//! what they leave, and moves the partition's mark; the thread commits marks, or a transaction does.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use host_core::{
    manifest::{Delivery, KafkaTrigger},
    ports::{Seek, SourceError, TriggerId},
};
use rdkafka::{ClientConfig, consumer::Consumer as _};
use tokio_util::sync::CancellationToken;

mod client;
mod config;
mod consumer;
mod item;
mod keys;
mod lag;
mod lane;
mod leaving;
mod message;
mod producer;
mod publisher;
mod running;
mod seek;
mod start;
mod transaction;

pub use config::{Compression, Config};
pub use publisher::KafkaPublisher;

use crate::{
    board::Board,
    handover::Outgoing,
    source::{Rooms, Source, usual_name},
};
use consumer::Consumer;
use message::EventRef;
use producer::{Producer, Record, Unsent};
use running::{Exit, Outlets, Parts, Running};
use transaction::Transactions;

/// How long a source may take to close, beyond the time for what is in flight.
const CLOSING: Duration = Duration::from_secs(30);

/// Reads the records of a Kafka trigger.
pub(crate) struct KafkaSource {
    rooms: Rooms,
    id: TriggerId,
    trigger: KafkaTrigger,
    config: Config,
    board: Arc<Board>,
    outlets: Arc<Outlets>,
}

impl KafkaSource {
    /// The source of a trigger, with the usual bounds.
    pub(crate) fn new(rooms: Rooms, id: TriggerId, trigger: KafkaTrigger, board: Arc<Board>) -> Self {
        let outlets = Arc::new(Outlets::of(&trigger));
        Self { rooms, id, trigger, config: Config::default(), board, outlets }
    }

    /// The same with other bounds.
    pub(crate) fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    fn group(&self) -> String {
        self.trigger.group.clone().unwrap_or_else(|| usual_name(&self.id))
    }

    /// The name that a restart keeps, where the trigger gives one.
    fn member(&self) -> Option<String> {
        let host = || self.config.host_name.clone().unwrap_or_else(|| self.rooms.host.to_string());
        self.trigger
            .member
            .as_ref()
            .map(|it| if it.contains("{host}") { it.replace("{host}", &host()) } else { it.clone() })
    }

    /// What every client of this trigger is opened with.
    async fn settings(&self) -> Result<ClientConfig, SourceError> {
        client::settings(&self.rooms, &self.id.project, &self.trigger.cluster, &self.config).await
    }

    /// What its consumers are opened with.
    fn reading(&self, settings: &ClientConfig) -> ClientConfig {
        let config = &self.config;
        let session = config.session_timeout.0.clamp(1_000, 3_600_000);
        let poll = (config.drain.0.saturating_mul(2)).clamp(300_000, 86_400_000).max(session);
        let mut reading = settings.clone();
        reading
            .set("group.id", self.group())
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("partition.assignment.strategy", "cooperative-sticky")
            // Where to begin is asked and told explicitly; librdkafka is never to choose a place by itself.
            .set("auto.offset.reset", "error")
            .set("isolation.level", "read_committed")
            .set("session.timeout.ms", session.to_string())
            .set("heartbeat.interval.ms", config.heartbeat.0.clamp(100, session).to_string())
            .set("max.poll.interval.ms", poll.to_string())
            .set("statistics.interval.ms", config.statistics.0.min(86_400_000).to_string())
            .set("queued.max.messages.kbytes", (config.prefetch.0 >> 10).clamp(1, 2_097_151).to_string())
            // A lane that emptied its queue is fed again soon, not after librdkafka's usual second.
            .set("fetch.queue.backoff.ms", "20")
            // A broker is asked by one request at a time, and one for partitions that have nothing waits there: meanwhile a
            // busy partition that had enough before gets nothing.
            .set("fetch.wait.max.ms", "50");
        if let Some(member) = self.member() {
            reading.set("group.instance.id", member);
        }
        reading
    }

    /// Connects, or says why it cannot.
    async fn open(&self) -> Result<(Consumer, Exit), SourceError> {
        let settings = self.settings().await?;
        let (reading, time) = (self.reading(&settings), self.config.connect.duration());
        let topic = self.trigger.topics.iter().find(|it| !it.starts_with('^')).cloned();
        let consumer = Consumer::open(&reading).map_err(|why| self.unreachable(&why))?;
        let reached = tokio::task::spawn_blocking(move || {
            let reached = consumer.reach(topic.as_deref(), time);
            reached.map(|()| consumer)
        });
        let consumer = reached.await.map_err(|error| SourceError::Failed(error.to_string()))?;
        let consumer = consumer.map_err(|why| self.unreachable(&why))?;
        let exit = match self.trigger.delivery {
            Delivery::AtLeastOnce => {
                Producer::open(&settings, &self.config).map(Exit::Confirmed).map_err(|why| self.unreachable(&why))?
            }
            Delivery::ExactlyOnce => self.transactions(&settings, &consumer).await?,
        };
        Ok((consumer, exit))
    }

    /// Their name is the group's, the trigger's and the host's: two hosts never fence one another, and a host with a
    /// `member` that comes back ends what it left open.
    async fn transactions(&self, settings: &ClientConfig, consumer: &Consumer) -> Result<Exit, SourceError> {
        let member = self.member().unwrap_or_else(|| self.rooms.host.to_string());
        let name = format!("{}/{}/{member}", self.group(), usual_name(&self.id));
        let client = consumer.client();
        let membership = Box::new(move || client.upgrade().and_then(|it| it.group_metadata()));
        let opened = Transactions::open(settings, &self.config, &name, membership).await;
        opened.map(Exit::Transactional).map_err(|why| self.unreachable(&why))
    }

    fn unreachable(&self, why: &str) -> SourceError {
        SourceError::Failed(format!("could not open Kafka at {}: {why}", self.trigger.cluster.brokers.join(", ")))
    }
}

#[async_trait]
impl Source for KafkaSource {
    async fn run(&self, stop: CancellationToken) -> Result<(), SourceError> {
        let gone = CancellationToken::new();
        let _gone = gone.clone().drop_guard();
        let ended = stop.child_token();
        let (consumer, exit) = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            opened = self.open() => opened?,
        };
        let parts = Parts {
            rooms: self.rooms.clone(),
            id: self.id.clone(),
            trigger: self.trigger.clone(),
            config: self.config.clone(),
            exit,
            outlets: Arc::clone(&self.outlets),
            board: Arc::clone(&self.board),
        };
        let running = Arc::new(Running::new(parts, ended.clone(), gone.clone()));
        // Whoever drops this future leaves nothing behind that reads on.
        let _ended = ended.clone().drop_guard();
        let (told, result) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new().name("weft-kafka".into());
        let thread = thread.spawn(move || drop(told.send(consumer.read(&running))));
        thread.map_err(|error| SourceError::Failed(format!("could not start a thread: {error}")))?;
        let closed = async {
            ended.cancelled().await;
            tokio::time::sleep(self.config.drain.duration() + CLOSING).await;
        };
        let result = tokio::select! {
            biased;
            result = result => result,
            () = closed => Ok(Err(SourceError::Failed("the consumer did not close in time".into()))),
        };
        // Others may read on; how far this one was behind says nothing any more.
        self.board.lag(None);
        if self.outlets.dropped() > 0 {
            tracing::debug!(trigger = self.id.name, outputs = self.outlets.dropped(), "outputs had no topic so far");
        }
        result.unwrap_or_else(|_| Err(SourceError::Failed("the consumer's thread panicked; this is a bug".into())))
    }

    async fn seek(&self, to: &Seek) -> Result<(), SourceError> {
        let mut settings = self.reading(&self.settings().await?);
        // It joins no group, and is told of no statistics.
        settings.remove("group.instance.id").set("statistics.interval.ms", "0");
        // A member with a name stays in its group after it has gone, until its session is over.
        let leave = match self.member() {
            Some(_) => seek::LEAVE + self.config.session_timeout.duration(),
            None => seek::LEAVE,
        };
        let (trigger, to, time) = (self.trigger.clone(), to.clone(), self.config.connect.duration());
        let moved = tokio::task::spawn_blocking(move || seek::seek(&settings, &trigger, &to, (time, leave)));
        moved.await.map_err(|error| SourceError::Failed(error.to_string()))?
    }

    async fn send(&self, outputs: Vec<Outgoing>) -> Result<(), SourceError> {
        let to_topics = outputs.iter().enumerate().filter_map(|(index, it)| {
            let topic = self.outlets.topic(&it.outlet, &self.id)?;
            Some(Record::of(topic, &EventRef::from(&it.event), index))
        });
        let mut records: Vec<Record<'_>> = to_topics.collect();
        if records.is_empty() {
            return Ok(());
        }
        let producer = Producer::open(&self.settings().await?, &self.config).map_err(|why| self.unreachable(&why))?;
        producer.send_all(&mut records).await.map_err(|unsent| match unsent {
            Unsent::TooLarge(_) | Unsent::Refused(_) => {
                SourceError::Failed("an output is larger than its topic takes".into())
            }
            Unsent::Failed(why) => SourceError::Failed(why),
        })
    }
}

#[cfg(test)]
mod tests;
