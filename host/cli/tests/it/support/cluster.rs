//! A Kafka cluster, and the topics that a test has there: what goes in and what comes out.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    message::{Header, Headers as _, OwnedHeaders},
    producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer},
};
use serde_json::Value;

use super::PATIENCE;

/// A cluster, and the topics that a test has there.
pub(crate) struct Cluster {
    pub(crate) brokers: String,
    prefix: String,
    topics: Vec<(&'static str, i32)>,
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl Cluster {
    /// On the brokers of `WEFT_TEST_KAFKA`, if there are any, with these topics of so many partitions.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
    pub(crate) fn with(topics: &[(&'static str, i32)]) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Ok(brokers) = std::env::var("WEFT_TEST_KAFKA") else {
            eprintln!("not tried on Kafka: `cargo xtask test` does, or set WEFT_TEST_KAFKA");
            return None;
        };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("it-{}-{number}-{:08x}", std::process::id(), rand::random::<u32>());
        let mut settings = config(&brokers);
        settings.set("linger.ms", "1").set("partitioner", "murmur2_random");
        let cluster = Self { producer: settings.create().unwrap(), brokers, prefix, topics: topics.to_vec() };
        cluster.create();
        Some(cluster)
    }

    fn create(&self) {
        let admin: AdminClient<DefaultClientContext> = config(&self.brokers).create().unwrap();
        let names: Vec<_> = self.topics.iter().map(|(name, partitions)| (self.topic(name), *partitions)).collect();
        let new = names.iter().map(|(name, count)| NewTopic::new(name, *count, TopicReplication::Fixed(1)));
        let new: Vec<_> = new.collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        for made in runtime.block_on(admin.create_topics(&new, &options)).unwrap() {
            made.unwrap();
        }
    }

    /// The topic that the test calls so.
    pub(crate) fn topic(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// Sends a record as it is.
    pub(crate) fn put(&self, topic: &str, key: &str, data: &[u8]) {
        let topic = self.topic(topic);
        self.producer.send(BaseRecord::to(&topic).key(key).payload(data)).map_err(|(error, _)| error).unwrap();
    }

    /// Sends an event of a type, its id as its key.
    pub(crate) fn put_event(&self, topic: &str, kind: &str, id: &str, data: &str) {
        let headers = [("ce_specversion", "1.0"), ("ce_id", id), ("ce_source", "/tests"), ("ce_type", kind)];
        let add = |all: OwnedHeaders, (key, value)| all.insert(Header { key, value: Some(value) });
        let headers = headers.into_iter().fold(OwnedHeaders::new(), add);
        let topic = self.topic(topic);
        let record = BaseRecord::to(&topic).key(id).payload(data).headers(headers);
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
    }

    /// Waits until all that was sent is there.
    pub(crate) fn flush(&self) {
        self.producer.flush(PATIENCE).unwrap();
    }

    /// Reads a topic from its beginning.
    pub(crate) fn read(&self, topic: &str) -> Reader {
        let consumer: BaseConsumer = config(&self.brokers).set("group.id", "tests").create().unwrap();
        let mut places = TopicPartitionList::new();
        let partitions = self.topics.iter().find(|it| it.0 == topic).map_or(1, |it| it.1);
        for partition in 0..partitions {
            places.add_partition_offset(&self.topic(topic), partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&places).unwrap();
        Reader(consumer)
    }
}

fn config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config
}

/// A record that a host wrote.
#[derive(Debug)]
pub(crate) struct Record {
    headers: Vec<(String, String)>,
    data: Vec<u8>,
}

impl Record {
    pub(crate) fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.unwrap_or_else(|| panic!("{name} is not among {:?}", self.headers)).1.clone()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.data).unwrap()
    }
}

/// Reads what a host wrote.
pub(crate) struct Reader(BaseConsumer);

impl Reader {
    /// The next so many records.
    pub(crate) fn take(&mut self, count: usize) -> Vec<Record> {
        let deadline = Instant::now() + PATIENCE;
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count {
            assert!(Instant::now() < deadline, "only {} of {count} came", taken.len());
            let Some(message) = self.0.poll(Duration::from_millis(100)) else { continue };
            let message = message.unwrap();
            let headers = message.headers().into_iter().flat_map(|all| all.iter());
            let text = |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
            let headers = headers.map(|it| (it.key.to_owned(), text(it.value))).collect();
            taken.push(Record { headers, data: message.payload().unwrap_or_default().to_vec() });
        }
        taken
    }
}
