//! Moving a group to another place of its topics, while none of its members runs.

use std::time::{Duration, Instant};

use host_core::{
    manifest::KafkaTrigger,
    ports::{Seek, SourceError},
};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::{KafkaError, KafkaResult},
};

use super::client::told;

/// How long other hosts are given to leave the group.
pub(super) const LEAVE: Duration = Duration::from_secs(15);

/// Commits the offsets that `to` means, for every partition of the trigger's topics. Each answer may take `time`, and
/// members `leave` to leave the group. Blocks.
pub(super) fn seek(
    settings: &ClientConfig,
    trigger: &KafkaTrigger,
    to: &Seek,
    (time, leave): (Duration, Duration),
) -> Result<(), SourceError> {
    let consumer: BaseConsumer = settings.create().map_err(|error| failed(&error))?;
    let partitions = partitions(&consumer, trigger, time)?;
    let offsets = match to {
        Seek::Earliest => watermarks(&consumer, &partitions, time, |(low, _)| low),
        Seek::Latest => watermarks(&consumer, &partitions, time, |(_, high)| high),
        Seek::Time(at) => since(&consumer, &partitions, at.as_millisecond(), time),
        Seek::Place(place) => {
            let partition = i32::try_from(place.partition).unwrap_or(i32::MAX);
            let is_known = partitions.iter().any(|it| *it.0 == *place.topic && it.1 == partition);
            let offset = i64::try_from(place.offset).ok().filter(|_| is_known).ok_or_else(|| {
                let what = format!("the trigger reads no partition {partition} of a topic `{}`", place.topic);
                SourceError::Unsupported(what)
            })?;
            list([((*place.topic).to_owned(), partition, offset)])
        }
    };
    commit(&consumer, &offsets.map_err(|error| failed(&error))?, leave)
}

/// A group that still has members takes no offsets from others, and they may need a moment to leave.
fn commit(consumer: &BaseConsumer, offsets: &TopicPartitionList, leave: Duration) -> Result<(), SourceError> {
    let until = Instant::now() + leave;
    loop {
        match consumer.commit(offsets, CommitMode::Sync) {
            Ok(()) => return Ok(()),
            Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(250)),
            Err(error) => {
                let what = format!(
                    "the group takes no other offsets ({}): is one of its members still running?",
                    told(&error)
                );
                return Err(SourceError::State(what));
            }
        }
    }
}

/// Every partition of the topics, patterns included.
fn partitions(
    consumer: &BaseConsumer,
    trigger: &KafkaTrigger,
    time: Duration,
) -> Result<Vec<(String, i32)>, SourceError> {
    let mut found = Vec::new();
    let has_pattern = trigger.topics.iter().any(|it| it.starts_with('^'));
    if has_pattern {
        let what = "a trigger with a topic pattern has no fixed partitions: name its topics to move it";
        return Err(SourceError::Unsupported(what.into()));
    }
    for topic in &trigger.topics {
        let metadata = consumer.fetch_metadata(Some(topic), time).map_err(|error| failed(&error))?;
        for it in metadata.topics().iter().filter(|it| it.name() == topic) {
            found.extend(it.partitions().iter().map(|partition| (topic.clone(), partition.id())));
        }
    }
    if found.is_empty() {
        return Err(SourceError::Failed(format!("there is no topic {}", trigger.topics.join(", "))));
    }
    Ok(found)
}

fn watermarks(
    consumer: &BaseConsumer,
    partitions: &[(String, i32)],
    time: Duration,
    which: impl Fn((i64, i64)) -> i64,
) -> KafkaResult<TopicPartitionList> {
    let at = |(topic, partition): &(String, i32)| {
        let offset = which(consumer.fetch_watermarks(topic, *partition, time)?);
        Ok((topic.clone(), *partition, offset))
    };
    list(partitions.iter().map(at).collect::<KafkaResult<Vec<_>>>()?)
}

/// The first records at or after a moment; the end, where there are none.
fn since(
    consumer: &BaseConsumer,
    partitions: &[(String, i32)],
    at_ms: i64,
    time: Duration,
) -> KafkaResult<TopicPartitionList> {
    let asked = list(partitions.iter().map(|(topic, partition)| (topic.clone(), *partition, at_ms)))?;
    let found = consumer.offsets_for_times(asked, time)?;
    let mut offsets = Vec::new();
    for it in found.elements() {
        it.error()?;
        let offset = match it.offset() {
            Offset::Offset(offset) => offset,
            _ => consumer.fetch_watermarks(it.topic(), it.partition(), time)?.1,
        };
        offsets.push((it.topic().to_owned(), it.partition(), offset));
    }
    list(offsets)
}

fn list(offsets: impl IntoIterator<Item = (String, i32, i64)>) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (topic, partition, offset) in offsets {
        list.add_partition_offset(&topic, partition, Offset::Offset(offset.max(0)))?;
    }
    Ok(list)
}

fn failed(error: &KafkaError) -> SourceError {
    SourceError::Failed(told(error))
}
