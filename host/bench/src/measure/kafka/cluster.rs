//! The cluster under measurement: topics that are made, filled and counted.

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer as _},
};
use tokio::runtime::Runtime;

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How many keys records have.
const KEYS: u64 = 1_000;

/// A cluster, and how many names were made up for it.
pub(crate) struct Cluster {
    brokers: String,
    consumer: BaseConsumer,
    connected: u128,
    made: AtomicU32,
}

impl Cluster {
    pub(crate) fn connect(brokers: &str) -> Result<Self> {
        let consumer: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", brokers).create().context("could not open a consumer")?;
        consumer.fetch_metadata(None, LIMIT).with_context(|| format!("no Kafka answers at {brokers}"))?;
        Ok(Self { brokers: brokers.to_owned(), consumer, connected: now(), made: AtomicU32::new(0) })
    }

    pub(crate) fn brokers(&self) -> &str {
        &self.brokers
    }

    /// A name that nobody had.
    pub(crate) fn unique(&self, what: &str) -> String {
        let number = self.made.fetch_add(1, Relaxed);
        format!("weft-bench-{}-{}-{number}-{what}", process::id(), self.connected)
    }

    /// A topic of its own.
    pub(crate) fn topic(&self, what: &str, partitions: i32) -> Result<String> {
        let name = self.unique(what);
        let (admin, runtime) = self.admin()?;
        let topic = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
        let made = runtime.block_on(admin.create_topics([&topic], &AdminOptions::new()));
        match made.context("could not make a topic")?.remove(0) {
            Ok(_) => Ok(name),
            Err((name, code)) => bail!("could not make the topic {name}: {code}"),
        }
    }

    /// Takes a topic away, so that the disk does not fill; one that stays harms nothing else.
    pub(super) fn forget(&self, topic: &str) {
        if let Ok((admin, runtime)) = self.admin() {
            let _ = runtime.block_on(admin.delete_topics(&[topic], &AdminOptions::new()));
        }
    }

    fn admin(&self) -> Result<(AdminClient<DefaultClientContext>, Runtime)> {
        let admin = ClientConfig::new().set("bootstrap.servers", &self.brokers).create();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok((admin.context("could not open a client")?, runtime))
    }

    /// Writes events of a size, which the function is to give back.
    pub(crate) fn fill(&self, topic: &str, records: u64, size: usize) -> Result<()> {
        let writer = Writer::open(&self.brokers)?;
        let payload = vec![b'x'; size];
        for number in 0..records {
            writer.write(topic, number, &payload)?;
        }
        writer.finish()
    }

    /// How many records a topic holds.
    pub(crate) fn count(&self, topic: &str) -> Result<u64> {
        let mut count = 0;
        for partition in 0..4 {
            let (low, high) = match self.consumer.fetch_watermarks(topic, partition, LIMIT) {
                // It was made a moment ago, and this client does not know yet where it lies.
                Err(KafkaError::MetadataFetch(
                    RDKafkaErrorCode::NotLeaderForPartition | RDKafkaErrorCode::UnknownPartition,
                )) => (0, 0),
                marks => marks.context("could not count")?,
            };
            count += u64::try_from(high - low).unwrap_or(0);
        }
        Ok(count)
    }
}

/// Microseconds that differ between two clusters, of this program and of its runs.
fn now() -> u128 {
    use host_core::clock::{Clock as _, SystemClock};
    u128::try_from(SystemClock.now().as_microsecond()).unwrap_or(0)
}

/// Writes events in binary mode.
pub(crate) struct Writer(BaseProducer);

impl Writer {
    pub(crate) fn open(brokers: &str) -> Result<Self> {
        let mut settings = ClientConfig::new();
        settings.set("bootstrap.servers", brokers).set("linger.ms", "1");
        Ok(Self(settings.create().context("could not open a producer")?))
    }

    pub(crate) fn write(&self, topic: &str, number: u64, payload: &[u8]) -> Result<()> {
        let (id, key) = (number.to_string(), (number % KEYS).to_string());
        let attributes = [("ce_specversion", "1.0"), ("ce_id", &id), ("ce_source", "/bench"), ("ce_type", "echo")];
        let add =
            |headers: OwnedHeaders, (key, value): (&str, &str)| headers.insert(Header { key, value: Some(value) });
        let headers = attributes.into_iter().fold(OwnedHeaders::new_with_capacity(4), add);
        let mut record = BaseRecord::to(topic).key(&key).payload(payload).headers(headers);
        let until = Instant::now() + LIMIT;
        while let Err((error, back)) = self.0.send(record) {
            if error != KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) || Instant::now() >= until {
                return Err(error).context("could not write");
            }
            record = back;
            self.0.poll(Duration::from_millis(10));
        }
        Ok(())
    }

    pub(crate) fn poll(&self) {
        self.0.poll(Duration::ZERO);
    }

    pub(crate) fn finish(&self) -> Result<()> {
        self.0.flush(LIMIT).context("records were not confirmed")
    }
}
