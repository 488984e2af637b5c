//! What only a real broker shows: transactions, crashes, groups, seeking, odd records.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use host_core::{
    Name,
    call::Place,
    event::Failure,
    grant::KafkaTopic,
    ports::{PublishError, Seek, SourceError},
    size::{ByteSize, Millis},
};
use tokio::sync::Semaphore;

use super::house::{
    House, Script, Seen, broker, committed, config, read, topic, topic_with, trigger, unique, until, write, write_odd,
};
use crate::{
    fakes::{Around, echo, event},
    handover::Outgoing,
    kafka::{Config, KafkaPublisher},
    source::Source as _,
};

/// A group with a topic in and a topic out.
pub(super) struct Stage {
    pub(super) brokers: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) group: String,
}

impl Stage {
    pub(super) async fn new(what: &str, partitions: i32) -> Option<Self> {
        let brokers = broker()?;
        let from = topic(&brokers, &format!("{what}-in"), partitions).await;
        let to = topic(&brokers, &format!("{what}-out"), 1).await;
        Some(Self { brokers, from, to, group: unique(what) })
    }

    pub(super) fn trigger(&self, more: &str) -> String {
        format!("topics = [\"{}\"]\ngroup = \"{}\"\noutput = \"{}\"\n{more}", self.from, self.group, self.to)
    }

    pub(super) fn start(&self, more: &str, script: Arc<Script>) -> House {
        House::start(&self.brokers, &self.trigger(more), script)
    }

    /// Writes numbered records to each partition, the partition as their key.
    pub(super) fn write(&self, partitions: i32, numbers: std::ops::Range<u32>) {
        let records: Vec<_> =
            numbers.flat_map(|it| (0..partitions).map(move |p| (p, p.to_string(), it.to_string()))).collect();
        let records: Vec<_> = records.iter().map(|it| (it.0, it.1.as_str(), it.2.as_str())).collect();
        write(&self.brokers, &self.from, &records);
    }

    /// What came out, once all of these numbers have for each partition.
    pub(super) async fn read(&self, partitions: i32, numbers: std::ops::Range<u32>) -> Vec<Seen> {
        let wanted: Vec<_> =
            numbers.flat_map(|it| (0..partitions).map(move |p| (p.to_string(), it.to_string()))).collect();
        read(&self.brokers, &self.to, move |seen| {
            seen.len() >= wanted.len() && {
                let seen: HashSet<_> = seen.iter().map(|it| (it.key.as_str(), it.payload.as_str())).collect();
                wanted.iter().all(|it| seen.contains(&(it.0.as_str(), it.1.as_str())))
            }
        })
        .await
    }
}

/// The numbers of each key, in the order in which they came.
pub(super) fn by_key(seen: &[Seen]) -> HashMap<String, Vec<u32>> {
    let mut keys: HashMap<String, Vec<u32>> = HashMap::new();
    for it in seen {
        keys.entry(it.key.clone()).or_default().push(it.payload.parse().unwrap());
    }
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_goes_on_where_it_was() {
    let Some(stage) = Stage::new("resume", 2).await else { return };
    stage.write(2, 0..100);
    let first = stage.start("", Script::echo());
    stage.read(2, 0..100).await;
    first.stop().await;
    assert_eq!(committed(&stage.brokers, &stage.group, &stage.from, 0), Some(100));
    stage.write(2, 100..150);
    let second = stage.start("", Script::echo());
    let seen = stage.read(2, 0..150).await;
    assert_eq!(by_key(&seen)["0"], (0..150).collect::<Vec<_>>());
    assert_eq!(second.script.offsets(0), (100..150).collect::<Vec<_>>());
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_come_and_go_lose_nothing_and_keep_the_order_of_each_partition() {
    let Some(stage) = Stage::new("rebalance", 4).await else { return };
    stage.write(4, 0..200);
    let small = "batch = { events = 20 }\n";
    let first = stage.start(small, Script::echo());
    until("the first reads", || first.script.events() > 0).await;
    let second = stage.start(small, Script::echo());
    let mut next = 200;
    until("the second has its part", || {
        stage.write(4, next..next + 1);
        next += 1;
        second.script.events() > 0
    })
    .await;
    first.stop().await;
    stage.write(4, next..next + 100);
    let seen = stage.read(4, 0..next + 100).await;
    for (key, numbers) in by_key(&seen) {
        assert_eq!(numbers, (0..next + 100).collect::<Vec<_>>(), "partition {key}: each once and in order");
    }
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_repeats_records_and_loses_none() {
    let Some(stage) = Stage::new("crash", 2).await else { return };
    stage.write(2, 0..500);
    let first = stage.start("batch = { events = 10 }\n", Script::echo());
    until("it is in the middle", || first.script.events() > 200).await;
    first.crash().await;
    let second = stage.start("", Script::echo());
    let seen = stage.read(2, 0..500).await;
    for numbers in by_key(&seen).into_values() {
        let distinct: HashSet<_> = numbers.iter().collect();
        assert_eq!(distinct.len(), 500);
    }
    second.stop().await;
}

pub(super) const EXACTLY_ONCE: &str = "delivery = \"exactly-once\"\nbatch = { events = 10, wait = \"0ms\" }\n";

#[tokio::test(flavor = "multi_thread")]
async fn with_exactly_once_a_committed_reader_sees_each_output_once_whatever_crashes() {
    let Some(stage) = Stage::new("once", 2).await else { return };
    stage.write(2, 0..600);
    let bounds = || Config { transaction_timeout: Millis(3_000), ..config() };
    // Its name stays, so that each new one fences the one before.
    let text = stage.trigger(&format!("{EXACTLY_ONCE}member = \"one\"\n"));
    for crash in 1..=4 {
        let house = House::with(trigger(&stage.brokers, &text), bounds(), Script::echo());
        until("it is in the middle", || house.script.events() > 30 * crash).await;
        house.crash().await;
    }
    let last = House::with(trigger(&stage.brokers, &text), bounds(), Script::echo());
    until("all offsets are committed", || {
        (0..2).all(|it| committed(&stage.brokers, &stage.group, &stage.from, it) == Some(600))
    })
    .await;
    last.stop().await;
    let seen = stage.read(2, 0..600).await;
    for (key, numbers) in by_key(&seen) {
        assert_eq!(numbers, (0..600).collect::<Vec<_>>(), "partition {key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_exactly_once_two_hosts_may_come_and_go() {
    let Some(stage) = Stage::new("once-two", 4).await else { return };
    stage.write(4, 0..200);
    let first = stage.start(EXACTLY_ONCE, Script::echo());
    until("the first reads", || first.script.events() > 40).await;
    let second = stage.start(EXACTLY_ONCE, Script::echo());
    let mut next = 200;
    until("the second has its part", || {
        stage.write(4, next..next + 1);
        next += 1;
        second.script.events() > 0
    })
    .await;
    first.stop().await;
    stage.write(4, next..next + 50);
    let seen = stage.read(4, 0..next + 50).await;
    for (key, numbers) in by_key(&seen) {
        assert_eq!(numbers, (0..next + 50).collect::<Vec<_>>(), "partition {key}: each once and in order");
    }
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_exactly_once_dead_letters_and_large_outputs_are_part_of_it() {
    let Some(stage) = Stage::new("once-dead", 1).await else { return };
    let dead = topic(&stage.brokers, "once-dead-letters", 1).await;
    stage.write(1, 0..30);
    let script = Script::of(|event, place, attempt| match place.offset {
        3 => Err(Failure::invalid("bad", "no")),
        5 if attempt < 2 => Err(Failure::transient("later", "not now")),
        9 => {
            let mut outputs = echo(event, attempt)?;
            outputs[0].data = vec![b'x'; 2_000_000].into();
            Ok(outputs)
        }
        _ => echo(event, attempt),
    });
    let house = stage.start(&format!("{EXACTLY_ONCE}dead_letter = \"{dead}\"\n"), script);
    until("all is committed", || committed(&stage.brokers, &stage.group, &stage.from, 0) == Some(30)).await;
    let letters = read(&stage.brokers, &dead, |seen| seen.len() >= 2).await;
    let letters: Vec<_> = letters.iter().map(|it| (it.payload.as_str(), it.headers["weft-reason"].as_str())).collect();
    assert_eq!(letters, [("3", "bad"), ("9", "output-too-large")]);
    let seen = read(&stage.brokers, &stage.to, |seen| seen.len() >= 28).await;
    assert_eq!(by_key(&seen)["0"], (0..30).filter(|it| ![3, 9].contains(it)).collect::<Vec<_>>());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broker_finds_too_large_is_given_up_alone_and_the_rest_keeps_its_order() {
    let Some(mut stage) = Stage::new("refused", 1).await else { return };
    stage.to = topic_with(&stage.brokers, "refused-out", 1, &[("max.message.bytes", "60000")]).await;
    stage.write(1, 0..400);
    let script = Script::of(|event, place, attempt| {
        let mut outputs = echo(event, attempt)?;
        if place.offset == 200 {
            outputs[0].data = vec![b'x'; 100_000].into();
        }
        Ok(outputs)
    });
    let house = stage.start("batch = { events = 10 }\n", script);
    until("all is committed", || committed(&stage.brokers, &stage.group, &stage.from, 0) == Some(400)).await;
    let letters = house.around.letters.kept.lock().clone();
    let letters: Vec<_> = letters.iter().map(|it| (&*it.failure.code, it.place.as_ref().unwrap().offset)).collect();
    assert_eq!(letters, [("output-too-large", 200)]);
    // What is sent again ends where all ends.
    let is_all = |seen: &[Seen]| {
        let distinct: HashSet<_> = seen.iter().map(|it| &it.payload).collect();
        distinct.len() == 399 && seen.last().is_some_and(|it| it.payload == "399")
    };
    let seen = read(&stage.brokers, &stage.to, is_all).await;
    let mut numbers = by_key(&seen)["0"].clone();
    numbers.reverse();
    let mut known = HashSet::new();
    numbers.retain(|it| known.insert(*it));
    numbers.reverse();
    assert_eq!(numbers, (0..400).filter(|it| *it != 200).collect::<Vec<_>>(), "the last of each, in order");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_was_fenced_says_so_and_commits_nothing() {
    let Some(stage) = Stage::new("fenced", 1).await else { return };
    stage.write(1, 0..5);
    let gate = Arc::new(Semaphore::new(0));
    let script = Script::gated(&gate, |event, _, attempt| echo(event, attempt));
    let text = stage.trigger(&format!("{EXACTLY_ONCE}member = \"one\"\n"));
    let old = House::with(trigger(&stage.brokers, &text), config(), Arc::clone(&script));
    until("the old one is called", || script.events() > 0).await;
    let new = House::with(trigger(&stage.brokers, &text), config(), Script::echo());
    stage.read(1, 0..5).await;
    gate.add_permits(100);
    let error = old.ends().await;
    assert!(matches!(error, SourceError::Failed(_)), "{error}");
    let seen = stage.read(1, 0..5).await;
    assert_eq!(seen.len(), 5);
    new.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_group_is_moved_to_another_place() {
    let Some(stage) = Stage::new("seek", 2).await else { return };
    stage.write(2, 0..20);
    let house = stage.start("", Script::echo());
    until("all are handled", || house.script.events() == 40).await;
    let source = Arc::clone(&house.source);
    house.stop().await;
    let at = || (0..2).map(|it| committed(&stage.brokers, &stage.group, &stage.from, it)).collect::<Vec<_>>();
    source.seek(&Seek::Earliest).await.unwrap();
    assert_eq!(at(), [Some(0), Some(0)]);
    source.seek(&Seek::Latest).await.unwrap();
    assert_eq!(at(), [Some(20), Some(20)]);
    let place = |topic: &str, partition| Place { topic: topic.into(), partition, offset: 7 };
    source.seek(&Seek::Place(place(&stage.from, 1))).await.unwrap();
    assert_eq!(at(), [Some(20), Some(7)]);
    source.seek(&Seek::Time(jiff::Timestamp::UNIX_EPOCH)).await.unwrap();
    assert_eq!(at(), [Some(0), Some(0)]);
    source.seek(&Seek::Time(jiff::Timestamp::MAX)).await.unwrap();
    assert_eq!(at(), [Some(20), Some(20)]);
    for wrong in [place("other", 0), place(&stage.from, 9)] {
        let error = source.seek(&Seek::Place(wrong)).await.unwrap_err();
        assert!(matches!(error, SourceError::Unsupported(_)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_may_be_a_pattern_and_odd_headers_do_no_harm() {
    let Some(stage) = Stage::new("pattern", 1).await else { return };
    write_odd(&stage.brokers, &stage.from, "ce_specversion", "9.9");
    write_odd(&stage.brokers, &stage.from, "", "nameless");
    write_odd(&stage.brokers, &stage.from, "binary", &[0xff_u8, 0xfe][..]);
    stage.write(1, 0..3);
    let pattern = stage.trigger("").replace(&format!("\"{}\"", stage.from), &format!("\"^{}$\"", stage.from));
    let house = House::start(&stage.brokers, &pattern, Script::echo());
    until("all are handled", || house.script.events() == 6).await;
    assert!(house.around.letters.kept.lock().is_empty());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_publish_and_replayed_outputs_are_sent() {
    let Some(stage) = Stage::new("publish", 1).await else { return };
    let cluster = trigger(&stage.brokers, &stage.trigger("")).cluster;
    let rooms = Around::answering(echo).rooms();
    let config = Config { max_message: ByteSize(10_000), publishers: 1, ..config() };
    let publisher = KafkaPublisher::new(rooms).with_config(config);
    let project = Name::default_project();
    let to = KafkaTopic { cluster: cluster.clone(), topic: stage.to.clone() };
    let events = (0..10).map(|it| event(&it.to_string(), &it.to_string())).collect();
    publisher.publish(&project, &to, events).await.unwrap();
    let large = event("large", &"x".repeat(20_000));
    let refused = publisher.publish(&project, &to, vec![large]).await.unwrap_err();
    assert!(matches!(refused, PublishError::Refused(_)), "{refused}");
    let nowhere = KafkaTopic { topic: "in valid".into(), ..to.clone() };
    let error = publisher.publish(&project, &nowhere, vec![event("a", "a")]).await.unwrap_err();
    assert!(matches!(error, PublishError::Unavailable(_)), "{error}");

    let house = stage.start("", Script::echo());
    let source = Arc::clone(&house.source);
    house.stop().await;
    source.send(vec![Outgoing { outlet: String::new(), event: event("replayed", "10") }]).await.unwrap();
    let seen = read(&stage.brokers, &stage.to, |seen| seen.len() >= 11).await;
    let payloads: Vec<_> = seen.iter().map(|it| it.payload.clone()).collect();
    assert_eq!(payloads, (0..=10).map(|it| it.to_string()).collect::<Vec<_>>());
    assert_eq!(seen[10].headers["ce_id"], "replayed");
}
