//! Sending records and waiting for all of a batch to be confirmed.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::AcqRel},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rdkafka::{
    ClientConfig, ClientContext, Message as _,
    config::{FromClientConfigAndContext as _, RDKafkaLogLevel},
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DeliveryResult, ProducerContext, ThreadedProducer},
};
use tokio::sync::Notify;

use super::{
    client::{self, Trouble, told},
    config::Config,
    message::{EventRef, binary_headers},
};

/// How many headers most records have: room for all of them is made at once.
const USUAL_HEADERS: usize = 8;

/// How long a full queue is given to empty a little.
const BREATH: Duration = Duration::from_millis(5);

/// A record on its way out.
pub(super) struct Record<'r> {
    /// Where to.
    pub(super) topic: Arc<str>,
    /// The key.
    pub(super) key: Option<Cow<'r, [u8]>>,
    /// The payload; a tombstone, when absent.
    pub(super) payload: Option<Cow<'r, [u8]>>,
    /// The headers, until they are handed on.
    pub(super) headers: Option<OwnedHeaders>,
    /// How many bytes the headers have.
    pub(super) header_bytes: usize,
    /// Which event of its batch it comes from.
    pub(super) item: usize,
}

impl<'r> Record<'r> {
    /// An event in binary mode.
    pub(super) fn of(topic: Arc<str>, event: &EventRef<'r>, item: usize) -> Self {
        let mut headers = Some(OwnedHeaders::new_with_capacity(USUAL_HEADERS));
        let mut header_bytes = 0;
        binary_headers(event, |key, value| {
            header_bytes += key.len() + value.len() + 8;
            headers = headers.take().map(|it| it.insert(Header { key, value: Some(value) }));
        });
        let (key, payload) = (event.key().map(Cow::Borrowed), Some(Cow::Borrowed(event.data)));
        Self { topic, key, payload, headers, header_bytes, item }
    }

    /// The same for as long as it takes.
    pub(super) fn into_owned(self) -> Record<'static> {
        let Self { topic, key, payload, headers, header_bytes, item } = self;
        let owned = |it: Option<Cow<'_, [u8]>>| it.map(|it| Cow::Owned(it.into_owned()));
        Record { topic, key: owned(key), payload: owned(payload), headers, header_bytes, item }
    }

    /// About how large it is on the wire.
    pub(super) fn size(&self) -> usize {
        let bytes = |it: &Option<Cow<'_, [u8]>>| it.as_ref().map_or(0, |it| it.len());
        bytes(&self.key) + bytes(&self.payload) + self.header_bytes + 64
    }
}

/// Whether records are sent once, or perhaps again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Headers {
    /// Their headers are handed on.
    Spend,
    /// Their headers are copied.
    Keep,
}

/// Why a batch was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unsent {
    /// What this event left is larger than this host sends.
    TooLarge(usize),
    /// A broker refused records that came together, this event's the largest of those: it may be too large for its topic,
    /// or be refused for the sake of another batch's.
    Refused(usize),
    /// It may work later.
    Failed(String),
}

/// A producer with a thread of its own, on which confirmations are counted.
pub(super) struct Producer {
    /// There until it is dropped.
    inner: Option<ThreadedProducer<Context>>,
    max_message: usize,
    patience: Duration,
    pub(super) trouble: Trouble,
}

impl Producer {
    /// One that writes each record once and in order, however often it has to be sent again.
    pub(super) fn open(settings: &ClientConfig, config: &Config) -> Result<Self, String> {
        let mut settings = settings.clone();
        let max_message = config.max_message.0.clamp(1_000, 1_000_000_000);
        let timeout = config.delivery_timeout.0.clamp(1_000, 3_600_000);
        settings
            .set("enable.idempotence", "true")
            .set("linger.ms", config.linger.0.min(60_000).to_string())
            .set("compression.type", config.compression.as_str())
            .set("message.max.bytes", max_message.to_string())
            .set("message.timeout.ms", timeout.to_string())
            .set("queue.buffering.max.kbytes", (config.outgoing.0 >> 10).clamp(1, 2_147_483_647).to_string());
        let trouble = Trouble::default();
        let context = Context { trouble: trouble.clone() };
        let inner = ThreadedProducer::from_config_and_context(&settings, context).map_err(|error| told(&error))?;
        let max_message = usize::try_from(max_message).unwrap_or(usize::MAX);
        Ok(Self { inner: Some(inner), max_message, patience: Duration::from_millis(timeout), trouble })
    }

    /// The client itself, for transactions.
    pub(super) fn inner(&self) -> &ThreadedProducer<Context> {
        self.inner.as_ref().expect("it is taken when the producer is dropped, and then nobody asks")
    }

    /// Sends records in their order, and waits until every one of them is confirmed. Their headers are used up.
    pub(super) async fn send_all(&self, records: &mut [Record<'_>]) -> Result<(), Unsent> {
        let confirmations = self.queue_all(records, Headers::Spend).await?;
        confirmations.all().await.map_err(|failed| self.unsent(&failed, records))
    }

    /// What it means that one of these was not written.
    pub(super) fn unsent(&self, failed: &Failed, records: &[Record<'_>]) -> Unsent {
        self.explained(failed.among(records))
    }

    /// Hands records to the client in their order.
    pub(super) async fn queue_all(
        &self,
        records: &mut [Record<'_>],
        headers: Headers,
    ) -> Result<Confirmations, Unsent> {
        if let Some(large) = records.iter().find(|it| it.size() > self.max_message) {
            return Err(Unsent::TooLarge(large.item));
        }
        let confirmations = Confirmations::of(records.len());
        let until = Instant::now() + self.patience;
        for record in records.iter_mut() {
            let spent = match headers {
                Headers::Spend => record.headers.take(),
                Headers::Keep => record.headers.clone(),
            };
            self.queue(record, spent, &confirmations, until).await.map_err(|unsent| self.explained(unsent))?;
        }
        Ok(confirmations)
    }

    async fn queue(
        &self,
        record: &Record<'_>,
        headers: Option<OwnedHeaders>,
        counted: &Confirmations,
        until: Instant,
    ) -> Result<(), Unsent> {
        let mut message = BaseRecord::with_opaque_to(&record.topic, Arc::clone(&counted.0));
        (message.key, message.payload) = (record.key.as_deref(), record.payload.as_deref());
        message.headers = headers;
        loop {
            let Err((error, back)) = self.inner().send::<[u8], [u8]>(message) else { return Ok(()) };
            match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) if Instant::now() < until => message = back,
                Some(RDKafkaErrorCode::MessageSizeTooLarge) => return Err(Unsent::TooLarge(record.item)),
                _ => return Err(failed(&record.topic, &error)),
            }
            tokio::time::sleep(BREATH).await;
        }
    }

    /// With what the client told of its connections: a timeout alone explains nothing.
    fn explained(&self, unsent: Unsent) -> Unsent {
        match (unsent, self.trouble.last()) {
            (Unsent::Failed(what), Some(trouble)) => Unsent::Failed(format!("{what} ({trouble})")),
            (unsent, _) => unsent,
        }
    }
}

impl Drop for Producer {
    /// Its thread is waited for, so this is done on another one than those that serve calls.
    fn drop(&mut self) {
        let inner = self.inner.take();
        let thread = std::thread::Builder::new().name("weft-kafka-close".into());
        if let Err(error) = thread.spawn(move || drop(inner)) {
            tracing::warn!(%error, "could not close a producer on a thread of its own");
        }
    }
}

fn failed(topic: &str, error: &KafkaError) -> Unsent {
    Unsent::Failed(format!("could not send to the topic `{topic}`: {}", told(error)))
}

/// The confirmations that a batch waits for.
pub(super) struct Confirmations(Arc<Counted>);

#[derive(Default)]
pub(super) struct Counted {
    left: AtomicUsize,
    done: Notify,
    failed: Mutex<Option<Box<Failed>>>,
}

/// A record that was not written: the largest where a broker finds them too large, else the first.
pub(super) struct Failed {
    error: KafkaError,
    topic: String,
    payload: Option<Vec<u8>>,
}

impl Failed {
    /// What it means, if it is one of these.
    pub(super) fn among(&self, records: &[Record<'_>]) -> Unsent {
        let Self { error, topic, payload } = self;
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge) {
            let is_it = |it: &&Record<'_>| *it.topic == *topic && it.payload.as_deref() == payload.as_deref();
            if let Some(record) = records.iter().find(is_it) {
                return Unsent::Refused(record.item);
            }
        }
        failed(topic, error)
    }

    /// The bytes of its payload.
    pub(super) fn size(&self) -> usize {
        self.payload.as_ref().map_or(0, Vec::len)
    }

    /// Whether it says more than `other`.
    fn outdoes(&self, other: &Self) -> bool {
        let is_size = |it: &Self| it.error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge);
        is_size(self) && is_size(other) && self.size() > other.size()
    }
}

impl Confirmations {
    fn of(records: usize) -> Self {
        let counted = Counted { left: AtomicUsize::new(records), ..Counted::default() };
        if records == 0 {
            counted.done.notify_one();
        }
        Self(Arc::new(counted))
    }

    /// Resolves when all are in, or with the first that was not written; to be waited for once. It takes no longer than
    /// `message.timeout.ms`: librdkafka then reports a failure.
    pub(super) async fn all(&self) -> Result<(), Box<Failed>> {
        self.0.done.notified().await;
        self.outcome()
    }

    /// What has come in so far; all of it, once the client was flushed.
    pub(super) fn outcome(&self) -> Result<(), Box<Failed>> {
        self.0.failed.lock().take().map_or(Ok(()), Err)
    }
}

/// What librdkafka calls back.
pub(super) struct Context {
    trouble: Trouble,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.trouble.note(&error, reason);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Arc<Counted>;

    fn delivery(&self, result: &DeliveryResult<'_>, counted: Arc<Counted>) {
        if let Err((error, message)) = result {
            let payload = message.payload().map(<[u8]>::to_vec);
            let topic = message.topic().to_owned();
            let failed = Box::new(Failed { error: error.clone(), topic, payload });
            let mut known = counted.failed.lock();
            if known.as_ref().is_none_or(|known| failed.outdoes(known)) {
                *known = Some(failed);
            }
        }
        if counted.left.fetch_sub(1, AcqRel) == 1 {
            if result.is_ok() {
                self.trouble.clear();
            }
            counted.done.notify_one();
        }
    }
}
