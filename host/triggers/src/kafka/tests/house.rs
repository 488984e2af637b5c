//! What tests of the source need: a function that follows a script, records in, records out.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use host_core::{
    Name,
    call::{Call, CallContext, Called, End, Finished, Place, Reply, Target},
    event::{Event, Failure, Outcome},
    manifest::{KafkaTrigger, Manifest, Trigger},
    ports::{Dispatch, SourceError, TriggerId},
    size::Millis,
};
use parking_lot::Mutex;
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    message::{Header, Headers as _, OwnedHeaders, ToBytes},
    producer::{BaseProducer, BaseRecord, Producer as _},
};
use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    board::Board,
    fakes::{Around, echo},
    kafka::{Config, KafkaSource},
    source::{Rooms, Source as _},
};

/// How long something may take that happens.
pub(super) const SOON: Duration = Duration::from_secs(90);

type Answer = dyn Fn(&Event, &Place, u32) -> Outcome + Send + Sync;

/// A function that answers as it is told, and waits for a permit per call where there is a gate.
pub(super) struct Script {
    answer: Box<Answer>,
    gate: Option<Arc<Semaphore>>,
    most: usize,
    /// What it was called with: places, and which attempt it was.
    pub(super) calls: Mutex<Vec<(Vec<Place>, u32)>>,
}

impl Script {
    pub(super) fn of(answer: impl Fn(&Event, &Place, u32) -> Outcome + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { answer: Box::new(answer), gate: None, most: usize::MAX, calls: Mutex::default() })
    }

    pub(super) fn gated(
        gate: &Arc<Semaphore>,
        answer: impl Fn(&Event, &Place, u32) -> Outcome + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            answer: Box::new(answer),
            gate: Some(Arc::clone(gate)),
            most: usize::MAX,
            calls: Mutex::default(),
        })
    }

    pub(super) fn echo() -> Arc<Self> {
        Self::of(|event, _, attempt| echo(event, attempt))
    }

    /// One that takes so many events at once, and refuses more.
    pub(super) fn taking(most: usize) -> Arc<Self> {
        let answer = Box::new(|event: &Event, _: &Place, attempt| echo(event, attempt));
        Arc::new(Self { answer, gate: None, most, calls: Mutex::default() })
    }

    /// The offsets of a partition it was called with, in their order.
    pub(super) fn offsets(&self, partition: u32) -> Vec<u64> {
        let calls = self.calls.lock();
        calls.iter().flat_map(|it| &it.0).filter(|it| it.partition == partition).map(|it| it.offset).collect()
    }

    pub(super) fn events(&self) -> usize {
        self.calls.lock().iter().map(|it| it.0.len()).sum()
    }
}

#[async_trait]
impl Dispatch for Script {
    async fn call(&self, _: Target, context: CallContext, call: Call) -> Called {
        let Call::Events(events) = call else { return Called::failed(Failure::fatal("test", "events are expected")) };
        let places = context.origins.as_deref().unwrap_or_default();
        self.calls.lock().push((places.to_vec(), context.attempt));
        if events.len() > self.most {
            return Called::failed(Failure::invalid("too-large", "one at a time"));
        }
        if let Some(gate) = &self.gate {
            tokio::select! {
                () = context.cancelled.cancelled() => {
                    return Called::failed(Failure::transient("cancelled", "nobody waits"));
                }
                permit = gate.acquire() => permit.unwrap().forget(),
            }
        }
        let each = events.iter().zip(places);
        let outcomes = each.map(|(event, place)| (self.answer)(event, place, context.attempt)).collect();
        Called { reply: Ok(Reply::Events(outcomes)), end: End::Now(Finished::default()) }
    }
}

/// A source that runs.
pub(super) struct House {
    pub(super) around: Around,
    pub(super) script: Arc<Script>,
    pub(super) board: Arc<Board>,
    pub(super) source: Arc<KafkaSource>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), SourceError>>,
}

/// The trigger that a manifest would hold: its keys but `kind` and `brokers`.
pub(super) fn trigger(brokers: &str, text: &str) -> KafkaTrigger {
    let brokers: Vec<_> = brokers.split(',').map(|it| format!("\"{it}\"")).collect();
    let text = format!(
        "name = \"score\"\n[[triggers]]\nkind = \"kafka\"\nbrokers = [{}]\n{text}\n[triggers.retry]\nattempts = 3\nbackoff = \"20ms\"\n",
        brokers.join(", ")
    );
    match Manifest::parse(&text).unwrap().triggers.remove(0) {
        Trigger::Kafka(it) => it,
        other => panic!("{other:?}"),
    }
}

/// Bounds that fit a test.
pub(super) fn config() -> Config {
    Config {
        session_timeout: Millis(6_000),
        heartbeat: Millis(300),
        drain: Millis(5_000),
        statistics: Millis(500),
        transaction_timeout: Millis(10_000),
        ..Config::default()
    }
}

pub(super) fn id() -> TriggerId {
    TriggerId { project: Name::default_project(), function: "score".parse().unwrap(), name: "kafka".into() }
}

impl House {
    /// Starts a source of a trigger with a function.
    pub(super) fn start(brokers: &str, text: &str, script: Arc<Script>) -> Self {
        Self::with(trigger(brokers, text), config(), script)
    }

    pub(super) fn with(trigger: KafkaTrigger, config: Config, script: Arc<Script>) -> Self {
        let around = Around::answering(echo);
        Self { around: around.clone(), ..Self::within(around.rooms(), trigger, config, script) }
    }

    /// The same in rooms that are there.
    pub(super) fn within(mut rooms: Rooms, trigger: KafkaTrigger, config: Config, script: Arc<Script>) -> Self {
        let around = Around::answering(echo);
        rooms.dispatch = script.clone();
        let board = Arc::new(Board::new(id(), "kafka", trigger.topics.join(", ")));
        let source = Arc::new(KafkaSource::new(rooms, id(), trigger, Arc::clone(&board)).with_config(config));
        let stop = CancellationToken::new();
        let (running, token) = (Arc::clone(&source), stop.clone());
        let task = tokio::spawn(async move { running.run(token).await });
        Self { around, script, board, source, stop, task }
    }

    /// Asks it to stop; it knows when this returns.
    pub(super) fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    /// Asks it to stop and waits until it has.
    pub(super) async fn stop(self) {
        self.ask_to_stop();
        self.task.await.unwrap().unwrap();
    }

    /// Waits until it ends by itself.
    pub(super) async fn ends(self) -> SourceError {
        tokio::time::timeout(SOON, self.task).await.unwrap().unwrap().unwrap_err()
    }

    /// Drops it in the middle of whatever it does, as a crash would.
    pub(super) async fn crash(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

/// Looks again and again until it is so.
pub(super) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < SOON, "it never came to be that {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A name that no other test has.
pub(super) fn unique(what: &str) -> String {
    format!("{what}-{}", host_core::RunId::next())
}

/// The broker for tests, if there is one.
pub(super) fn broker() -> Option<String> {
    let broker = std::env::var("WEFT_TEST_KAFKA").ok();
    if broker.is_none() {
        eprintln!("not tried on Kafka: `cargo xtask test` does, or set WEFT_TEST_KAFKA");
    }
    broker
}

/// Makes a topic.
pub(super) async fn topic(brokers: &str, name: &str, partitions: i32) -> String {
    topic_with(brokers, name, partitions, &[]).await
}

/// Makes a topic with settings of its own.
pub(super) async fn topic_with(brokers: &str, name: &str, partitions: i32, settings: &[(&str, &str)]) -> String {
    let name = unique(name);
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let topic = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
    let topic = settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value));
    let made = admin.create_topics([&topic], &AdminOptions::new()).await.unwrap();
    made.into_iter().for_each(|it| drop(it.unwrap()));
    name
}

/// A record to write: partition, key, payload.
pub(super) type Written<'r> = (i32, &'r str, &'r str);

/// Writes records, each to its partition, and waits until they are confirmed.
pub(super) fn write(brokers: &str, topic: &str, records: &[Written<'_>]) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    for (partition, key, payload) in records {
        let headers = OwnedHeaders::new().insert(Header { key: "region", value: Some("north") });
        let record = BaseRecord::to(topic).partition(*partition).payload(*payload).headers(headers);
        producer.send(if key.is_empty() { record } else { record.key(*key) }).map_err(|it| it.0).unwrap();
    }
    producer.flush(SOON).unwrap();
}

/// Writes one record with a header of any name.
pub(super) fn write_odd<V: ToBytes + ?Sized>(brokers: &str, topic: &str, header: &str, value: &V) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let headers = OwnedHeaders::new().insert(Header { key: header, value: Some(value) });
    let record: BaseRecord<'_, str, str> = BaseRecord::to(topic).partition(0).payload("odd").headers(headers);
    producer.send(record).map_err(|it| it.0).unwrap();
    producer.flush(SOON).unwrap();
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) partition: i32,
    pub(super) key: String,
    pub(super) payload: String,
    pub(super) headers: HashMap<String, String>,
}

/// Reads a topic from its beginning, committed records alone, until `enough`; what was read.
pub(super) async fn read(brokers: &str, topic: &str, enough: impl Fn(&[Seen]) -> bool + Send + 'static) -> Vec<Seen> {
    let (brokers, topic) = (brokers.to_owned(), topic.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", &brokers).set("group.id", unique("reader"));
        settings.set("enable.auto.commit", "false").set("isolation.level", "read_committed");
        let consumer: BaseConsumer = settings.create().unwrap();
        let partitions = partitions(&consumer, &topic);
        let mut list = TopicPartitionList::new();
        partitions.iter().for_each(|it| drop(list.add_partition_offset(&topic, *it, Offset::Beginning)));
        consumer.assign(&list).unwrap();
        let (start, mut seen) = (Instant::now(), Vec::new());
        while !enough(&seen) {
            assert!(start.elapsed() < SOON, "{topic} holds no more than {seen:?}");
            if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
                let text = |it: Option<&[u8]>| String::from_utf8_lossy(it.unwrap_or_default()).into_owned();
                let headers = message.headers().into_iter().flat_map(|it| it.iter().collect::<Vec<_>>());
                let headers = headers.map(|it| (it.key.to_owned(), text(it.value)));
                seen.push(Seen {
                    partition: message.partition(),
                    key: text(message.key()),
                    payload: text(message.payload()),
                    headers: headers.collect(),
                });
            }
        }
        seen
    });
    read.await.unwrap()
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> Vec<i32> {
    let start = Instant::now();
    loop {
        let metadata = consumer.fetch_metadata(Some(topic), SOON).unwrap();
        let found: Vec<i32> = metadata.topics()[0].partitions().iter().map(|it| it.id()).collect();
        if !found.is_empty() {
            return found;
        }
        assert!(start.elapsed() < SOON, "there is no topic {topic}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What a group has committed for a partition.
pub(super) fn committed(brokers: &str, group: &str, topic: &str, partition: i32) -> Option<i64> {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", brokers).set("group.id", group);
    let consumer: BaseConsumer = settings.create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, partition);
    match consumer.committed_offsets(list, SOON).unwrap().elements()[0].offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}
