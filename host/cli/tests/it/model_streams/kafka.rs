//! Topics of a test's own, what goes in and what comes out.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer},
};
use serde_json::Value;

use crate::support::PATIENCE;

const PARTITIONS: i32 = 4;

/// A cluster, and the topics that a test has there.
pub(super) struct Cluster {
    pub(super) brokers: String,
    prefix: String,
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl Cluster {
    /// On the brokers of `WEFT_TEST_KAFKA`, if there are any.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests learns what was left out")]
    pub(super) fn of_the_tests() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Ok(brokers) = std::env::var("WEFT_TEST_KAFKA") else {
            eprintln!("not tried on Kafka: `cargo xtask test` does, or set WEFT_TEST_KAFKA");
            return None;
        };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("models-{}-{number}-{:08x}", std::process::id(), rand::random::<u32>());
        let mut settings = config(&brokers);
        settings.set("linger.ms", "2").set("partitioner", "murmur2_random");
        let cluster = Self { producer: settings.create().unwrap(), brokers, prefix };
        cluster.create(&["records", "scores", "models"]);
        Some(cluster)
    }

    fn create(&self, topics: &[&str]) {
        let admin: AdminClient<DefaultClientContext> = config(&self.brokers).create().unwrap();
        let names: Vec<String> = topics.iter().map(|it| self.topic(it)).collect();
        // Models stay in order on one partition.
        let partitions = |name: &str| if name.ends_with("models") { 1 } else { PARTITIONS };
        let new: Vec<_> =
            names.iter().map(|it| NewTopic::new(it, partitions(it), TopicReplication::Fixed(1))).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        for made in runtime.block_on(admin.create_topics(&new, &options)).unwrap() {
            made.unwrap();
        }
    }

    /// The topic that the test calls so.
    pub(super) fn topic(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// Sends a record.
    pub(super) fn send(&self, topic: &str, key: &str, data: &[u8]) {
        let topic = self.topic(topic);
        self.producer.send(BaseRecord::to(&topic).key(key).payload(data)).map_err(|(error, _)| error).unwrap();
    }

    /// Waits until all that was sent is there.
    pub(super) fn flush(&self) {
        self.producer.flush(PATIENCE).unwrap();
    }

    /// Reads a topic from its beginning.
    pub(super) fn read(&self, topic: &str) -> Reader {
        let consumer: BaseConsumer = config(&self.brokers).set("group.id", "tests").create().unwrap();
        let mut places = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
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

/// Reads what was sent as JSON.
pub(super) struct Reader(BaseConsumer);

impl Reader {
    /// The next so many records.
    pub(super) fn take(&mut self, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + PATIENCE;
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count {
            assert!(Instant::now() < deadline, "only {} of {count} came", taken.len());
            let Some(message) = self.0.poll(Duration::from_millis(100)) else { continue };
            let message = message.unwrap();
            taken.push(serde_json::from_slice(message.payload().unwrap()).unwrap());
        }
        taken
    }
}
