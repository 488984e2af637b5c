//! A steady stream of records into Kafka, and a reader of what comes out.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext, ThreadedProducer},
};

use super::ledger::{Scored, Seen, Sent, id};
use crate::support::PATIENCE;

/// How many keys the records bear.
const KEYS: u64 = 16;

/// How many partitions each topic has.
pub(crate) const PARTITIONS: i32 = 4;

/// After how long a silence nothing more is expected, once all that is wanted is there.
const SILENCE: Duration = Duration::from_secs(2);

/// The keys of the records.
pub(crate) fn keys() -> impl Iterator<Item = String> {
    (0..KEYS).map(|it| format!("k{it}"))
}

/// The data of an event with this number of a key: what the guest that counts by key reads, and the one that scores.
pub(crate) fn data(key: &str, number: u64) -> String {
    let features = [0.5; 13];
    format!("{{\"key\":\"{key}\",\"id\":{number},\"dataType\":\"wine\",\"features\":{features:?}}}")
}

/// Sends a model, so that it is there when this returns.
pub(crate) fn send_model(brokers: &str, topic: &str, version: u64, bytes: &[u8]) {
    let producer: BaseProducer = config(brokers).set("message.timeout.ms", "300000").create().unwrap();
    let descriptor = crate::model_streams::descriptor("wine", &version.to_string(), bytes);
    producer.send(BaseRecord::to(topic).key("wine").payload(&descriptor)).map_err(|(error, _)| error).unwrap();
    producer.flush(PATIENCE * 3).unwrap();
}

/// Makes one topic of so many partitions.
pub(crate) fn create_topic(brokers: &str, topic: &str, partitions: i32) {
    create(brokers, &[NewTopic::new(topic, partitions, TopicReplication::Fixed(1))]);
}

/// Makes topics that are there before anybody looks for them.
pub(crate) fn create_topics(brokers: &str, topics: &[&str]) {
    let wanted = topics.iter().map(|it| NewTopic::new(it, PARTITIONS, TopicReplication::Fixed(1)));
    create(brokers, &wanted.collect::<Vec<_>>());
}

fn create(brokers: &str, wanted: &[NewTopic<'_>]) {
    let admin: AdminClient<DefaultClientContext> = config(brokers).create().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let made = runtime.block_on(admin.create_topics(wanted, &AdminOptions::new().operation_timeout(Some(PATIENCE))));
    for topic in made.unwrap() {
        topic.unwrap();
    }
}

/// Sends so many records a second until `stop`, then waits until each is confirmed.
pub(crate) fn send(brokers: &str, topic: &str, per_second: u32, stop: Arc<AtomicBool>) -> JoinHandle<Sent> {
    let notes = Notes::default();
    let mut settings = config(brokers);
    settings.set("enable.idempotence", "true").set("linger.ms", "5").set("partitioner", "murmur2_random");
    // A broker that starts again is waited for, however long it takes.
    settings.set("message.timeout.ms", "300000");
    let producer: ThreadedProducer<Notes> = settings.create_with_context(notes.clone()).unwrap();
    let topic = topic.to_owned();
    thread::spawn(move || {
        let started = Instant::now();
        let mut count = 0_u32;
        while !stop.load(Ordering::Relaxed) {
            while f64::from(count) < started.elapsed().as_secs_f64() * f64::from(per_second) {
                send_one(&producer, &topic, u64::from(count));
                count += 1;
            }
            thread::sleep(Duration::from_millis(5));
        }
        producer.flush(PATIENCE * 3).unwrap();
        std::mem::take(&mut *notes.0.lock().unwrap())
    })
}

fn send_one(producer: &ThreadedProducer<Notes>, topic: &str, count: u64) {
    let (key, number) = (format!("k{}", count % KEYS), count / KEYS + 1);
    let (id, data) = (id(&key, number), data(&key, number));
    let mut record = BaseRecord::with_opaque_to(topic, Box::new(Id(id.clone())));
    record = record.key(&key).payload(&data).headers(headers(&id));
    while let Err((error, back)) = producer.send(record) {
        assert!(is_full(&error), "{error}");
        thread::sleep(Duration::from_millis(10));
        record = back;
    }
}

fn is_full(error: &KafkaError) -> bool {
    matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull))
}

fn headers(id: &str) -> OwnedHeaders {
    let all = [("ce_specversion", "1.0"), ("ce_id", id), ("ce_type", "stamp"), ("ce_source", "urn:chaos")];
    let all = all.into_iter().chain([("content-type", "application/json")]);
    all.fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key, value: Some(value) }))
}

/// What became of each record.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Sent>>);

struct Id(String);

impl ClientContext for Notes {}

impl ProducerContext for Notes {
    type DeliveryOpaque = Box<Id>;

    fn delivery(&self, result: &DeliveryResult<'_>, id: Box<Id>) {
        let mut sent = self.0.lock().unwrap();
        if result.is_ok() {
            sent.confirmed.insert(id.0)
        } else {
            sent.unsure.insert(id.0)
        };
    }
}

/// Everything in a topic that was committed, once it holds what is wanted, or nothing more comes for long.
pub(crate) fn read(brokers: &str, topic: &str, wanted: &HashSet<String>) -> Vec<Seen> {
    read_as(brokers, topic, wanted, parse, |it| &it.id)
}

/// The same of scores.
pub(crate) fn read_scores(brokers: &str, topic: &str, wanted: &HashSet<String>) -> Vec<Scored> {
    read_as(brokers, topic, wanted, |data, _, partition| parse_score(data, partition), |it| &it.id)
}

fn read_as<T>(
    brokers: &str,
    topic: &str,
    wanted: &HashSet<String>,
    parse: impl Fn(&[u8], Option<String>, i32) -> T,
    id: impl Fn(&T) -> &str,
) -> Vec<T> {
    let mut settings = config(brokers);
    settings.set("group.id", format!("{topic}-reader")).set("enable.auto.commit", "false");
    settings.set("isolation.level", "read_committed");
    let consumer: BaseConsumer = settings.create().unwrap();
    let mut all = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        all.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&all).unwrap();
    let mut seen = Vec::new();
    let mut missing: HashSet<&str> = wanted.iter().map(String::as_str).collect();
    let mut last = Instant::now();
    while last.elapsed() < if missing.is_empty() { SILENCE } else { PATIENCE } {
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
        last = Instant::now();
        let key = message.key().map(|it| String::from_utf8_lossy(it).into_owned()).unwrap_or_default();
        let one = parse(message.payload().unwrap_or_default(), Some(key), message.partition());
        missing.remove(id(&one));
        seen.push(one);
    }
    seen
}

/// An output of the guest that scores.
fn parse_score(data: &[u8], partition: i32) -> Scored {
    let told: serde_json::Value = serde_json::from_slice(data).unwrap_or_default();
    let (record, metadata) = (&told["inputRecord"], &told["modelResultMetadata"]);
    let error = metadata["errors"].as_str().unwrap_or("it bears no stamp").to_owned();
    let id = id(record["key"].as_str().unwrap_or_default(), record["id"].as_u64().unwrap_or_default());
    Scored { id, partition, version: metadata["modelVersion"].as_u64(), error }
}

/// An output of the guest that stamps.
pub(crate) fn parse(data: &[u8], key: Option<String>, partition: i32) -> Seen {
    let told: HashMap<String, serde_json::Value> = serde_json::from_slice(data).unwrap_or_default();
    let text = |name: &str| told.get(name).and_then(|it| it.as_str()).unwrap_or_default().to_owned();
    Seen { id: text("id"), key, partition, revision: text("revision") }
}

fn config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config
}
