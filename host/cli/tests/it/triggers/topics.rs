//! Topics of a test's own: events in, outputs with their headers out.

use std::time::{Duration, Instant};

use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    message::{Header, Headers as _, OwnedHeaders},
    producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer},
};

use crate::support::PATIENCE;

/// How many partitions each topic has.
const PARTITIONS: i32 = 2;

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
        let Ok(brokers) = std::env::var("WEFT_TEST_KAFKA") else {
            eprintln!("not tried on Kafka: `cargo xtask test` does, or set WEFT_TEST_KAFKA");
            return None;
        };
        let prefix = format!("triggers-{}-{:08x}", std::process::id(), rand::random::<u32>());
        let cluster = Self { producer: config(&brokers).create().unwrap(), brokers, prefix };
        let admin: AdminClient<DefaultClientContext> = config(&cluster.brokers).create().unwrap();
        let names = [cluster.topic("in"), cluster.topic("out")];
        let new = names.each_ref().map(|it| NewTopic::new(it, PARTITIONS, TopicReplication::Fixed(1)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        for made in runtime.block_on(admin.create_topics(&new, &options)).unwrap() {
            made.unwrap();
        }
        Some(cluster)
    }

    /// The topic that the test calls so.
    pub(super) fn topic(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// Sends an event of a type to the topic `in`, and waits until it is there.
    pub(super) fn send(&self, kind: &str, id: &str, data: &str) {
        self.send_all(kind, [(id.to_owned(), data.to_owned())]);
    }

    /// The same for several.
    pub(super) fn send_all(&self, kind: &str, events: impl IntoIterator<Item = (String, String)>) {
        let topic = self.topic("in");
        for (id, data) in events {
            let headers = [("ce_specversion", "1.0"), ("ce_id", &id), ("ce_source", "/tests"), ("ce_type", kind)];
            let headers = headers
                .into_iter()
                .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: Some(value) }));
            let record = BaseRecord::to(&topic).key(&id).payload(&data).headers(headers);
            self.producer.send(record).map_err(|(error, _)| error).unwrap();
        }
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
    config.set("bootstrap.servers", brokers).set("linger.ms", "1");
    config
}

/// A record that a host wrote.
#[derive(Debug)]
pub(super) struct Record {
    headers: Vec<(String, String)>,
    data: Vec<u8>,
}

impl Record {
    pub(super) fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.unwrap_or_else(|| panic!("{name} is not among {:?}", self.headers)).1.clone()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }
}

/// Reads what a host wrote.
pub(super) struct Reader(BaseConsumer);

impl Reader {
    /// The next so many records.
    pub(super) fn take(&mut self, count: usize) -> Vec<Record> {
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
