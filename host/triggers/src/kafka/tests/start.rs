//! Where a partition is taken up: at the group's offset, however uncertain that is at first, and nowhere else.

use std::sync::Arc;

use host_core::{
    call::Place,
    ports::{Seek, SourceError},
    size::Millis,
};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    producer::{BaseProducer, Producer as _},
};

use super::{
    broker::{EXACTLY_ONCE, Stage, by_key},
    house::{House, SOON, Script, committed, config, trigger, unique, until},
};
use crate::{kafka::Config, source::Source as _};

/// Opens a transaction that holds offsets of a group, as a host leaves it that crashes.
fn hold(stage: &Stage, partitions: i32, offset: i64) -> BaseProducer {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", &stage.brokers);
    let mut transactional = settings.clone();
    transactional.set("transactional.id", unique("holds")).set("transaction.timeout.ms", "8000");
    let producer: BaseProducer = transactional.create().unwrap();
    producer.init_transactions(SOON).unwrap();
    producer.begin_transaction().unwrap();
    let consumer: BaseConsumer = settings.set("group.id", &stage.group).create().unwrap();
    let mut offsets = TopicPartitionList::new();
    (0..partitions).for_each(|it| offsets.add_partition_offset(&stage.from, it, Offset::Offset(offset)).unwrap());
    producer.send_offsets_to_transaction(&offsets, &consumer.group_metadata().unwrap(), SOON).unwrap();
    producer
}

/// How many members the group has, and whether each knows what it reads.
fn members(stage: &Stage) -> (usize, bool) {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", &stage.brokers).create().unwrap();
    let Ok(groups) = consumer.fetch_group_list(Some(&stage.group), SOON) else { return (0, false) };
    groups.groups().first().map_or((0, false), |it| (it.members().len(), it.state() == "Stable"))
}

/// Has a hundred records of each of two partitions handled and committed, then leaves.
async fn begin(stage: &Stage, more: &str) {
    stage.write(2, 0..100);
    let house = stage.start(more, Script::echo());
    until("all is committed", || {
        (0..2).all(|it| committed(&stage.brokers, &stage.group, &stage.from, it) == Some(100))
    })
    .await;
    house.stop().await;
}

fn patient(stage: &Stage, more: &str) -> House {
    let bounds = Config { transaction_timeout: Millis(8_000), ..config() };
    House::with(trigger(&stage.brokers, &stage.trigger(more)), bounds, Script::echo())
}

async fn members_come_while_offsets_are_held(what: &str, more: &str) {
    let Some(stage) = Stage::new(what, 2).await else { return };
    begin(&stage, more).await;
    let _held = hold(&stage, 2, 100);
    let first = patient(&stage, more);
    until("the first is a member", || members(&stage) == (1, true)).await;
    let second = patient(&stage, more);
    stage.write(2, 100..120);
    let seen = stage.read(2, 0..120).await;
    for (key, numbers) in by_key(&seen) {
        assert_eq!(numbers, (0..120).collect::<Vec<_>>(), "partition {key}: each once and in order");
    }
    for house in [&first, &second] {
        let offsets = (0..2).flat_map(|it| house.script.offsets(it));
        assert_eq!(offsets.filter(|it| *it < 100).count(), 0, "nothing that was committed is handled again");
    }
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_that_a_crash_holds_are_waited_for_while_members_come_with_exactly_once() {
    members_come_while_offsets_are_held("held-once", EXACTLY_ONCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_that_a_crash_holds_are_waited_for_while_members_come_with_at_least_once() {
    members_come_while_offsets_are_held("held", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_without_members_goes_on_behind_what_a_transaction_commits_late() {
    for (more, from) in [("start = \"latest\"\n", 105), (EXACTLY_ONCE, 105), (EXACTLY_ONCE, 100)] {
        let Some(stage) = Stage::new("late", 2).await else { return };
        begin(&stage, "").await;
        let held = hold(&stage, 2, 105);
        stage.write(2, 100..120);
        let house = patient(&stage, more);
        until("it is a member", || members(&stage) == (1, true)).await;
        assert_eq!(house.script.events(), 0, "it waits for the transaction");
        if from == 105 {
            held.commit_transaction(SOON).unwrap();
        } else {
            held.abort_transaction(SOON).unwrap();
        }
        until("all is committed", || {
            (0..2).all(|it| committed(&stage.brokers, &stage.group, &stage.from, it) == Some(120))
        })
        .await;
        for partition in 0..2 {
            assert_eq!(house.script.offsets(partition), (from..120).collect::<Vec<_>>());
        }
        house.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_at_the_end_loses_nothing_from_there_on() {
    for more in ["start = \"latest\"\n".to_owned(), format!("start = \"latest\"\n{EXACTLY_ONCE}")] {
        let Some(stage) = Stage::new("end", 1).await else { return };
        stage.write(1, 0..10);
        let first = stage.start(&more, Script::echo());
        until("the beginning is kept", || committed(&stage.brokers, &stage.group, &stage.from, 0) == Some(10)).await;
        first.crash().await;
        stage.write(1, 10..15);
        let second = stage.start(&more, Script::echo());
        until("all are handled", || second.script.offsets(0).len() >= 5).await;
        assert_eq!(second.script.offsets(0), (10..15).collect::<Vec<_>>());
        second.stop().await;
    }
}

/// Leaves the group of a stage with one partition at an offset.
async fn place(stage: &Stage, offset: u64) {
    let house = stage.start("", Script::echo());
    let source = Arc::clone(&house.source);
    house.stop().await;
    let place = Place { topic: stage.from.as_str().into(), partition: 0, offset };
    source.seek(&Seek::Place(place)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_gone_are_passed_and_those_that_are_left_are_not() {
    let Some(stage) = Stage::new("gone", 1).await else { return };
    stage.write(1, 0..20);
    place(&stage, 5).await;
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &stage.brokers).create().unwrap();
    let mut before = TopicPartitionList::new();
    before.add_partition_offset(&stage.from, 0, Offset::Offset(10)).unwrap();
    admin.delete_records(&before, &AdminOptions::new()).await.unwrap();
    let house = stage.start("start = \"latest\"\n", Script::echo());
    until("what is left is handled", || house.script.offsets(0).len() >= 10).await;
    assert_eq!(house.script.offsets(0), (10..20).collect::<Vec<_>>());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_beyond_the_end_is_no_reason_to_begin_again() {
    let Some(stage) = Stage::new("beyond", 1).await else { return };
    stage.write(1, 0..20);
    place(&stage, 50).await;
    let house = stage.start("", Script::echo());
    let script = Arc::clone(&house.script);
    let error = house.ends().await;
    assert!(matches!(&error, SourceError::Failed(why) if why.contains("fn triggers seek")), "{error}");
    assert_eq!(script.events(), 0);
}
