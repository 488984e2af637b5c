//! How long records take that come at a steady rate.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use hdrhistogram::Histogram;
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};

use super::cluster::{Cluster, Writer};

/// How long nothing may come before the rest is given up.
const SILENCE: Duration = Duration::from_secs(20);
/// How many records are sent before any is measured: the group forms, instances become warm.
const WARM_UP: u64 = 1_000;

/// Sends records of a size at a rate for a while and waits for each; median and 99th percentile, milliseconds.
pub(super) fn delays(
    cluster: &Cluster,
    from: &str,
    to: &str,
    size: usize,
    rate: f64,
    seconds: f64,
) -> Result<(f64, f64)> {
    let (start, sent_all) = (Instant::now(), AtomicBool::new(false));
    thread::scope(|scope| {
        let reader = scope.spawn(|| read(cluster.brokers(), to, start, &sent_all));
        let sent = warm_up_and_send(cluster, from, to, size, rate, seconds, start);
        sent_all.store(true, Relaxed);
        let delays = reader.join().map_err(|_| anyhow::anyhow!("the reader panicked"))??;
        let sent = sent?;
        ensure!(delays.len() >= sent / 100 * 99, "only {} of {sent} records came back", delays.len());
        let ms = |quantile| Duration::from_micros(delays.value_at_quantile(quantile)).as_secs_f64() * 1e3;
        Ok((ms(0.5), ms(0.99)))
    })
}

fn warm_up_and_send(
    cluster: &Cluster,
    from: &str,
    to: &str,
    size: usize,
    rate: f64,
    seconds: f64,
    start: Instant,
) -> Result<u64> {
    let writer = Writer::open(cluster.brokers())?;
    let mut payload = vec![b'x'; size];
    for number in 0..WARM_UP {
        writer.write(from, number, &payload)?;
    }
    writer.finish()?;
    let until = Instant::now() + SILENCE;
    while cluster.count(to)? < WARM_UP {
        ensure!(Instant::now() < until, "nothing comes back");
        thread::sleep(Duration::from_millis(20));
    }
    let (begun, mut sent) = (Instant::now(), 0_u64);
    while begun.elapsed().as_secs_f64() < seconds {
        let due = begun.elapsed().as_secs_f64() * rate;
        while f64::from(u32::try_from(sent).context("too many records")?) < due {
            // When it was sent stands at the beginning of it, twenty digits.
            let at = format!("{:020}", start.elapsed().as_micros());
            payload[..20].copy_from_slice(at.as_bytes());
            writer.write(from, sent, &payload)?;
            sent += 1;
        }
        writer.poll();
        thread::sleep(Duration::from_micros(500));
    }
    writer.finish()?;
    Ok(sent)
}

/// Microseconds between sending and reading, until all has been sent and nothing comes any more.
fn read(brokers: &str, topic: &str, start: Instant, sent_all: &AtomicBool) -> Result<Histogram<u64>> {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", brokers).set("group.id", format!("{topic}-reader"));
    settings.set("enable.auto.commit", "false").set("fetch.wait.max.ms", "5");
    let consumer: BaseConsumer = settings.create().context("could not open a consumer")?;
    let mut partitions = TopicPartitionList::new();
    for partition in 0..4 {
        partitions.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&partitions)?;
    let mut delays = Histogram::new(3)?;
    let mut last = Instant::now();
    while !sent_all.load(Relaxed) || last.elapsed() < Duration::from_secs(2) {
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(50)) else { continue };
        last = Instant::now();
        let text = message.payload().and_then(|it| it.get(..20)).and_then(|it| std::str::from_utf8(it).ok());
        let Some(at) = text.and_then(|it| it.parse::<u64>().ok()) else { continue };
        let now = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        delays.record(now.saturating_sub(at).max(1)).context("a delay is out of bounds")?;
    }
    Ok(delays)
}
