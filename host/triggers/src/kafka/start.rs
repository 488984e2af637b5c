//! Where partitions are taken up: at the group's offsets, which the host asks for itself and waits for.
//!
//! librdkafka would do so too, but where the partitions of a host change while a transaction still holds an offset, it
//! takes "not certain yet" for "there is none" and begins by `auto.offset.reset`: everything again, or much not at all.

use std::time::{Duration, Instant};

use host_core::{manifest::Start, ports::SourceError};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
    topic_partition_list::TopicPartitionListElem,
};

use super::{client::told, running::Running};

/// How long the brokers are given for one answer, at first and at most; in between it is looked whether to stop.
const ASK: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(4));
/// The wait before they are asked again.
const AGAIN: Duration = Duration::from_millis(100);
/// How long offsets may be uncertain beyond the time of a transaction: brokers look for those that ran out now and then.
const BEYOND: Duration = Duration::from_secs(30);

/// The partitions with the offsets to begin at; nothing when the source ends meanwhile. Blocks.
pub(super) fn places<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &TopicPartitionList,
    running: &Running,
) -> Result<Option<TopicPartitionList>, SourceError> {
    if partitions.count() == 0 {
        return Ok(Some(partitions.clone()));
    }
    let until = Instant::now() + running.config.transaction_timeout.duration() + BEYOND;
    let mut time = ASK.0;
    while !running.ended.is_cancelled() {
        let why = match certain(consumer, partitions, running, time) {
            Ok(places) => return Ok(Some(places)),
            Err(error) => told(&error),
        };
        if Instant::now() >= until {
            let what = format!("the group's offsets did not become certain: {why}; an open transaction may hold them");
            return Err(SourceError::Failed(what));
        }
        tracing::debug!(trigger = running.id.name, why, "the group's offsets are not certain yet");
        let shown = format!("waits for the group's offsets, which an open transaction may hold: {why}");
        running.is_refused(shown);
        std::thread::sleep(AGAIN);
        time = (time * 2).min(ASK.1);
    }
    Ok(None)
}

/// One look at what the group has committed, and what the partitions hold.
fn certain<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &TopicPartitionList,
    running: &Running,
    time: Duration,
) -> KafkaResult<TopicPartitionList> {
    // The consumer reads what is committed, so the brokers tell of offsets that a transaction holds as such.
    let committed = consumer.committed_offsets(partitions.clone(), time)?;
    committed.elements().iter().try_for_each(|it| it.error())?;
    let lows = ends(consumer, partitions, Offset::Beginning, time);
    // Where only the oldest records are not known, that is no reason to wait: a place that cannot be read is an error.
    let is_there = |topic: &str, partition, at| low(lows.as_ref().ok(), topic, partition).is_none_or(|low| low <= at);
    let is_usual = |it: &TopicPartitionListElem<'_>| match it.offset() {
        Offset::Offset(at) => is_there(it.topic(), it.partition(), at),
        _ => false,
    };
    if committed.elements().iter().all(is_usual) {
        return Ok(committed);
    }
    let lows = lows?;
    let news: TopicPartitionList = committed
        .elements()
        .iter()
        .filter(|it| !matches!(it.offset(), Offset::Offset(_)))
        .map(|it| (it.topic().to_owned(), it.partition(), Offset::Invalid))
        .collect();
    let from = if running.trigger.start == Start::Latest { Offset::End } else { Offset::Beginning };
    let news = if news.count() > 0 { ends(consumer, &news, from, time)? } else { news };
    let mut places = TopicPartitionList::with_capacity(committed.count());
    for it in committed.elements() {
        let (topic, partition) = (it.topic(), it.partition());
        let at = match it.offset() {
            Offset::Offset(at) => left(running, (topic, partition), at, low(Some(&lows), topic, partition)),
            _ => low(Some(&news), topic, partition).ok_or_else(unknown)?,
        };
        places.add_partition_offset(topic, partition, Offset::Offset(at))?;
    }
    if from == Offset::End && news.count() > 0 {
        keep(consumer, &news);
    }
    Ok(places)
}

/// The offset itself, or the oldest that is left, told of loudly: records before it were not handled.
fn left(running: &Running, (topic, partition): (&str, i32), at: i64, low: Option<i64>) -> i64 {
    let low = low.unwrap_or(at);
    if low > at {
        tracing::warn!(
            project = %running.id.project, function = %running.id.function, trigger = running.id.name,
            topic, partition, from = at, to = low,
            "records were deleted before they were handled; the partition goes on with the oldest that is left"
        );
    }
    low.max(at)
}

/// Keeps where a group begins that begins at the end: what comes from now on is its own, whoever handles it.
fn keep<C: ConsumerContext>(consumer: &BaseConsumer<C>, beginnings: &TopicPartitionList) {
    if let Err(error) = consumer.commit(beginnings, CommitMode::Sync) {
        tracing::warn!(
            error = %told(&error),
            "where the group begins was not kept; a crash before its first commit passes what came until then"
        );
    }
}

/// The first or the last offsets of partitions; an error unless all are known.
fn ends<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    partitions: &TopicPartitionList,
    which: Offset,
    time: Duration,
) -> KafkaResult<TopicPartitionList> {
    let mut asked = partitions.clone();
    asked.set_all_offsets(which)?;
    let found = consumer.offsets_for_times(asked, time)?;
    for it in found.elements() {
        it.error()?;
        if !matches!(it.offset(), Offset::Offset(_)) {
            return Err(unknown());
        }
    }
    Ok(found)
}

fn unknown() -> KafkaError {
    KafkaError::OffsetFetch(RDKafkaErrorCode::NoOffset)
}

fn low(lows: Option<&TopicPartitionList>, topic: &str, partition: i32) -> Option<i64> {
    match lows?.find_partition(topic, partition)?.offset() {
        Offset::Offset(low) => Some(low),
        _ => None,
    }
}
