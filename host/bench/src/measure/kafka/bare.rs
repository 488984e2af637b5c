//! The baseline: a loop that takes records from one topic and writes them to another, with nothing in between.
//!
//! It moves the whole record: key, headers and payload.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};
use rdkafka::{
    ClientConfig, Message as _,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedHeaders,
    producer::{BaseRecord, DefaultProducerContext, ThreadedProducer},
};

use crate::args::BridgeArgs;

/// How soon it fetches again where it had enough, ms, as the host does: librdkafka's usual second is a pause.
const FETCH_AGAIN_MS: &str = "20";

/// Moves records until the process ends.
pub(crate) fn bridge(args: &BridgeArgs) -> Result<ExitCode> {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", &args.brokers);
    let mut reading = settings.clone();
    reading.set("group.id", &args.group).set("auto.offset.reset", "earliest");
    reading.set("enable.auto.offset.store", "false").set("auto.commit.interval.ms", "100");
    reading.set("fetch.queue.backoff.ms", FETCH_AGAIN_MS);
    let consumer: BaseConsumer = reading.create().context("could not open a consumer")?;
    consumer.subscribe(&[&args.from]).context("could not subscribe")?;
    settings.set("enable.idempotence", "true").set("linger.ms", "1");
    let producer: ThreadedProducer<DefaultProducerContext> = settings.create().context("could not open a producer")?;
    loop {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message.context("could not read")?;
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&args.to);
        (record.key, record.payload) = (message.key(), message.payload());
        record.headers = message.headers().map(BorrowedHeaders::detach);
        while let Err((error, back)) = producer.send(record) {
            match error {
                KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => record = back,
                other => return Err(other).context("could not write"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        consumer.store_offset_from_message(&message).context("could not store an offset")?;
    }
}
