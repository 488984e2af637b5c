//! The baseline: a loop that takes messages from one queue and publishes them to another, with nothing in between; it
//! awaits confirmations and acknowledges by the hundreds, as a careful user of lapin would.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use lapin::{
    Channel, Connection, ConnectionProperties, Consumer, PublisherConfirm,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions},
    types::{FieldTable, ShortString},
};
use tokio::time::timeout;

use crate::args::BridgeAmqpArgs;

/// How many messages the server sends ahead, and how many are settled together: what the host does by default.
const PREFETCH: u16 = 1_000;
const BATCH: usize = 500;
const WAIT: Duration = Duration::from_millis(5);

/// Moves messages until the process ends.
pub(crate) fn bridge(args: &BridgeAmqpArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let connection = Connection::connect(&args.url, ConnectionProperties::default()).await;
        let connection = connection.context("could not connect")?;
        let (reading, writing) = (connection.create_channel().await?, connection.create_channel().await?);
        writing.confirm_select(ConfirmSelectOptions::default()).await?;
        reading.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let (from, options) = (ShortString::try_new(args.from.as_str())?, BasicConsumeOptions::default());
        let consumer = reading.basic_consume(from, ShortString::default(), options, FieldTable::default()).await;
        let to = ShortString::try_new(args.to.as_str())?;
        carry(&reading, &writing, consumer.context("could not read")?, &to).await
    })
}

async fn carry(reading: &Channel, writing: &Channel, mut consumer: Consumer, to: &ShortString) -> Result<ExitCode> {
    let (mut confirms, mut last) = (Vec::with_capacity(BATCH), 0);
    while let Some(first) = consumer.next().await {
        let mut next = Some(first);
        while let Some(delivery) = next.take() {
            let delivery = delivery.context("could not read")?;
            last = delivery.delivery_tag;
            confirms.push(publish(writing, to, delivery).await?);
            if confirms.len() < BATCH {
                next = timeout(WAIT, consumer.next()).await.ok().flatten();
            }
        }
        for confirm in confirms.drain(..) {
            confirm.await.context("could not publish")?;
        }
        reading.basic_ack(last, BasicAckOptions { multiple: true }).await.context("could not acknowledge")?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn publish(channel: &Channel, to: &ShortString, delivery: Delivery) -> Result<PublisherConfirm> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let exchange = ShortString::default();
    let sent = channel.basic_publish(exchange, to.clone(), options, &delivery.data, delivery.properties).await;
    sent.context("could not publish")
}
