//! Order, retries, dead letters, halts, rebalances and commits that fail, against librdkafka's mock cluster.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use host_core::{
    event::{Failure, code},
    ports::{SourceError, TriggerState},
};
use parking_lot::Mutex;
use rdkafka::{
    mocking::MockCluster,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};
use tokio::sync::Semaphore;

use super::house::{House, Script, committed, config, read, trigger, until, write};
use crate::fakes::echo;

type Mock = MockCluster<'static, rdkafka::producer::DefaultProducerContext>;

/// A cluster of one broker with a topic `in` of so many partitions, and one each for outputs and dead letters.
fn cluster(partitions: i32) -> (Mock, String) {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic("in", partitions, 1).unwrap();
    mock.create_topic("out", 1, 1).unwrap();
    mock.create_topic("dead", 1, 1).unwrap();
    let brokers = mock.bootstrap_servers();
    (mock, brokers)
}

const IN_OUT: &str = "topics = [\"in\"]\ngroup = \"g\"\noutput = \"out\"\ndead_letter = \"dead\"\n";

fn numbers(partition: i32, count: usize) -> Vec<(i32, String, String)> {
    (0..count).map(|it| (partition, String::new(), it.to_string())).collect()
}

fn write_all(brokers: &str, records: &[(i32, String, String)]) {
    let records: Vec<_> = records.iter().map(|it| (it.0, it.1.as_str(), it.2.as_str())).collect();
    write(brokers, "in", &records);
}

async fn payloads(brokers: &str, topic: &str, count: usize) -> Vec<String> {
    read(brokers, topic, move |seen| seen.len() >= count).await.into_iter().map(|it| it.payload).collect()
}

fn texts(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|it| it.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_handled_in_order_their_outputs_sent_and_their_offsets_committed() {
    let (_mock, brokers) = cluster(1);
    write_all(&brokers, &numbers(0, 20));
    let house = House::start(&brokers, IN_OUT, Script::echo());
    assert_eq!(payloads(&brokers, "out", 20).await, texts(0..20));
    until("the offset is committed", || committed(&brokers, "g", "in", 0) == Some(20)).await;
    let status = house.board.status();
    assert_eq!((status.state, status.events, status.failures), (TriggerState::Running, 20, 0));
    until("the lag is known", || house.board.status().lag == Some(0)).await;
    house.stop().await;

    let again = House::start(&brokers, IN_OUT, Script::echo());
    write_all(&brokers, &[(0, "k".into(), "more".into())]);
    assert_eq!(payloads(&brokers, "out", 21).await[20], "more");
    assert_eq!(again.script.offsets(0), [20], "a group goes on where it was");
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_says_what_it_answers() {
    let (_mock, brokers) = cluster(1);
    write(&brokers, "in", &[(0, "k-1", "x")]);
    let house = House::start(&brokers, IN_OUT, Script::echo());
    let seen = read(&brokers, "out", |seen| !seen.is_empty()).await.remove(0);
    assert_eq!((seen.key.as_str(), seen.headers["ce_id"].as_str()), ("k-1", "in/0/0/0"));
    assert_eq!(seen.headers["ce_source"], "/fn/score");
    assert!(!seen.headers.contains_key("ce_partitionkey"), "its key says it");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_tried_again_alone_and_nothing_overtakes_it() {
    let (_mock, brokers) = cluster(1);
    write_all(&brokers, &numbers(0, 10));
    let house = House::start(
        &brokers,
        IN_OUT,
        Script::of(|event, place, attempt| match place.offset {
            3 | 7 if attempt < 3 => Err(Failure::transient("later", "not now")),
            _ => echo(event, attempt),
        }),
    );
    assert_eq!(payloads(&brokers, "out", 10).await, texts(0..10));
    let offsets = house.script.offsets(0);
    for offset in 0..10 {
        let times = offsets.iter().filter(|it| **it == offset).count();
        assert_eq!(times, if offset == 3 || offset == 7 { 3 } else { 1 }, "{offset}");
    }
    assert!(house.around.letters.kept.lock().is_empty());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_becomes_a_dead_letter_and_the_partition_goes_on() {
    let (_mock, brokers) = cluster(1);
    write_all(&brokers, &numbers(0, 6));
    let house = House::start(
        &brokers,
        IN_OUT,
        Script::of(|event, place, attempt| match place.offset {
            1 => Err(Failure::invalid("bad-order", "no such order")),
            4 => Err(Failure::transient("later", "never")),
            _ => echo(event, attempt),
        }),
    );
    assert_eq!(payloads(&brokers, "out", 4).await, ["0", "2", "3", "5"]);
    let dead = read(&brokers, "dead", |seen| seen.len() >= 2).await;
    let told = |at: usize, name: &str| dead[at].headers[name].clone();
    assert_eq!((dead[0].payload.as_str(), dead[1].payload.as_str()), ("1", "4"));
    assert_eq!((told(0, "weft-reason"), told(0, "weft-message")), ("bad-order".into(), "no such order".into()));
    assert_eq!((told(0, "weft-attempts"), told(1, "weft-attempts")), ("1".into(), "3".into()));
    assert_eq!((told(1, "weft-topic"), told(1, "weft-partition")), ("in".into(), "0".into()));
    assert_eq!((told(1, "weft-offset"), told(1, "region")), ("4".into(), "north".into()));
    let kept = house.around.letters.kept.lock().clone();
    let places: Vec<_> = kept.iter().map(|it| (it.place.clone().unwrap().offset, it.attempts)).collect();
    assert_eq!(places, [(1, 1), (4, 3)]);
    until("the offset is committed", || committed(&brokers, "g", "in", 0) == Some(6)).await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fatal_failure_ends_the_source_and_its_event_is_the_next_one() {
    let (_mock, brokers) = cluster(1);
    write_all(&brokers, &numbers(0, 8));
    let broken = Script::of(|event, place, attempt| match place.offset {
        5 => Err(Failure::fatal("bad-config", "no model")),
        _ => echo(event, attempt),
    });
    let ended = House::start(&brokers, IN_OUT, broken).ends().await;
    assert!(
        matches!(&ended, SourceError::State(why) if why.contains("bad-config") && why.contains("in/0/5")),
        "{ended}"
    );
    assert_eq!(committed(&brokers, "g", "in", 0), Some(5));
    assert_eq!(payloads(&brokers, "out", 5).await, texts(0..5));
    let mended = House::start(&brokers, IN_OUT, Script::echo());
    assert_eq!(payloads(&brokers, "out", 8).await, texts(0..8));
    mended.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_room_counts_as_no_attempt() {
    let (_mock, brokers) = cluster(1);
    write_all(&brokers, &numbers(0, 1));
    let refused = Mutex::new(0);
    let script = Script::of(move |event, _, attempt| {
        let mut refused = refused.lock();
        *refused += 1;
        if *refused < 8 { Err(Failure::transient(code::OVERLOADED, "full")) } else { echo(event, attempt) }
    });
    let house = House::start(&brokers, IN_OUT, script);
    assert_eq!(payloads(&brokers, "out", 1).await, ["0"]);
    assert!(house.script.calls.lock().iter().all(|(_, attempt)| *attempt == 1));
    assert!(house.around.letters.kept.lock().is_empty());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_waits_holds_up_no_other() {
    let (_mock, brokers) = cluster(2);
    write_all(&brokers, &[numbers(0, 3), numbers(1, 30)].concat());
    let open = Arc::new(AtomicBool::new(false));
    let is_open = Arc::clone(&open);
    let script = Script::of(move |event, place, attempt| {
        if place.partition == 0 && !is_open.load(SeqCst) {
            return Err(Failure { retry_after_ms: Some(100), ..Failure::transient(code::UNAVAILABLE, "not loaded") });
        }
        echo(event, attempt)
    });
    let house = House::start(&brokers, IN_OUT, script);
    assert_eq!(payloads(&brokers, "out", 30).await, texts(0..30));
    until("it shows that it waits", || house.board.status().state == TriggerState::BackingOff).await;
    open.store(true, SeqCst);
    assert_eq!(payloads(&brokers, "out", 33).await[30..], texts(0..3));
    until("it shows that it runs", || house.board.status().state == TriggerState::Running).await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_cut_by_count_and_bytes() {
    let (_mock, brokers) = cluster(1);
    write_all(&brokers, &numbers(0, 50));
    let by_count = format!("{IN_OUT}batch = {{ events = 7 }}\n");
    let house = House::start(&brokers, &by_count, Script::echo());
    payloads(&brokers, "out", 50).await;
    assert!(house.script.calls.lock().iter().all(|(places, _)| places.len() <= 7));
    house.stop().await;
    let by_bytes = format!("{}batch = {{ bytes = \"200B\" }}\n", IN_OUT.replace("\"g\"", "\"h\""));
    let house = House::start(&brokers, &by_bytes, Script::echo());
    until("all are handled", || house.script.events() >= 50).await;
    assert!(house.script.calls.lock().iter().all(|(places, _)| places.len() <= 3), "each counts some 65 bytes");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_too_large_as_a_whole_is_handled_one_by_one() {
    let (_mock, brokers) = cluster(1);
    write_all(&brokers, &numbers(0, 4));
    let house = House::start(&brokers, IN_OUT, Script::taking(2));
    assert_eq!(payloads(&brokers, "out", 4).await, texts(0..4));
    assert!(house.around.letters.kept.lock().is_empty());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_no_topic_takes_is_dropped_or_given_up() {
    let (_mock, brokers) = cluster(1);
    write_all(&brokers, &numbers(0, 3));
    let script = Script::of(|event, place, attempt| {
        let mut outputs = echo(event, attempt)?;
        match place.offset {
            0 => outputs[0].outlet = "nowhere".into(),
            1 => outputs[0].data = vec![b'x'; 2_000_000].into(),
            _ => {}
        }
        Ok(outputs)
    });
    let house = House::start(&brokers, IN_OUT, script);
    assert_eq!(payloads(&brokers, "out", 1).await, ["2"]);
    until("the offset is committed", || committed(&brokers, "g", "in", 0) == Some(3)).await;
    let kept = house.around.letters.kept.lock().clone();
    assert_eq!((kept.len(), kept[0].failure.code.as_str()), (1, "output-too-large"));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sources_of_a_group_share_its_partitions_and_lose_nothing() {
    let (_mock, brokers) = cluster(4);
    let first = House::start(&brokers, IN_OUT, Script::echo());
    let each = |from: usize| -> Vec<_> {
        (from..from + 50).flat_map(|it| (0..4).map(move |p| (p, format!("{p}"), format!("{it}")))).collect()
    };
    write_all(&brokers, &each(0));
    until("the first handles all", || first.script.events() == 200).await;
    let second = House::start(&brokers, IN_OUT, Script::echo());
    until("the second has its part", || {
        write_all(&brokers, &each(50)[..4]);
        second.script.events() > 0
    })
    .await;
    first.stop().await;
    write_all(&brokers, &each(100));
    let wanted: HashSet<_> = each(0).into_iter().chain(each(100)).map(|it| (it.1, it.2)).collect();
    let seen = read(&brokers, "out", move |seen| {
        let seen: HashSet<_> = seen.iter().map(|it| (it.key.clone(), it.payload.clone())).collect();
        wanted.iter().all(|it| seen.contains(it))
    })
    .await;
    for partition in 0..4 {
        let numbers =
            seen.iter().filter(|it| it.key == partition.to_string()).map(|it| it.payload.parse::<u32>().unwrap());
        let numbers: Vec<u32> = numbers.collect();
        // Whoever takes a partition over may read again what the one before could not commit any more; in order, too.
        let taken_up_again = numbers.windows(2).filter(|it| it[1] < it[0]).count();
        assert!(taken_up_again <= 2, "partition {partition}: {numbers:?}");
    }
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_fail_lose_nothing() {
    let (mock, brokers) = cluster(1);
    let faults = [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
    ];
    mock.request_errors(RDKafkaApiKey::OffsetCommit, &faults);
    write_all(&brokers, &numbers(0, 10));
    let house = House::start(&brokers, IN_OUT, Script::echo());
    until("the offset is committed", || committed(&brokers, "g", "in", 0) == Some(10)).await;
    write_all(&brokers, &[(0, String::new(), "last".into())]);
    let seen = read(&brokers, "out", |seen| seen.iter().any(|it| it.payload == "last")).await;
    let distinct: HashSet<_> = seen.iter().map(|it| it.payload.clone()).collect();
    assert_eq!(distinct.len(), 11);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_stops_settles_what_is_in_flight() {
    let (_mock, brokers) = cluster(1);
    write_all(&brokers, &numbers(0, 5));
    let gate = Arc::new(Semaphore::new(0));
    let script = Script::gated(&gate, |event, _, attempt| echo(event, attempt));
    let house = House::start(&brokers, &format!("{IN_OUT}batch = {{ events = 2 }}\n"), Arc::clone(&script));
    until("a call is made", || script.events() == 2).await;
    house.ask_to_stop();
    gate.add_permits(1);
    house.stop().await;
    assert_eq!((script.events(), committed(&brokers, "g", "in", 0)), (2, Some(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_over_in_time_is_handled_again() {
    let (_mock, brokers) = cluster(1);
    write_all(&brokers, &numbers(0, 1));
    let gate = Arc::new(Semaphore::new(0));
    let script = Script::gated(&gate, |event, _, attempt| echo(event, attempt));
    let bounds = crate::kafka::Config { drain: host_core::size::Millis(200), ..config() };
    let house = House::with(trigger(&brokers, IN_OUT), bounds, Arc::clone(&script));
    until("a call is made", || script.events() == 1).await;
    house.stop().await;
    assert_eq!(committed(&brokers, "g", "in", 0), None);
    let again = House::start(&brokers, IN_OUT, Script::echo());
    assert_eq!(payloads(&brokers, "out", 1).await, ["0"]);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_order_by_key_others_pass_a_key_that_waits() {
    let (_mock, brokers) = cluster(1);
    let records: Vec<_> = (0..60).map(|it| (0, ["a", "b", "c"][it % 3].to_owned(), it.to_string())).collect();
    write_all(&brokers, &records);
    let open = Arc::new(AtomicBool::new(false));
    let is_open = Arc::clone(&open);
    let script = Script::of(move |event, _, attempt| {
        if event.key.as_deref() == Some(b"b") && !is_open.load(SeqCst) {
            return Err(Failure { retry_after_ms: Some(50), ..Failure::transient(code::UNAVAILABLE, "not yet") });
        }
        echo(event, attempt)
    });
    let house = House::start(&brokers, &format!("{IN_OUT}order = \"key\"\n"), script);
    let passed = read(&brokers, "out", |seen| seen.len() >= 40).await;
    assert!(passed.iter().all(|it| it.key != "b"));
    until("what is before the oldest is committed", || committed(&brokers, "g", "in", 0) == Some(1)).await;
    open.store(true, SeqCst);
    let all = read(&brokers, "out", |seen| seen.len() >= 60).await;
    for key in ["a", "b", "c"] {
        let numbers: Vec<u32> = all.iter().filter(|it| it.key == key).map(|it| it.payload.parse().unwrap()).collect();
        assert!(numbers.is_sorted() && numbers.len() == 20, "{key}: {numbers:?}");
    }
    until("all is committed", || committed(&brokers, "g", "in", 0) == Some(60)).await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_max_ahead_passes_the_oldest() {
    let (_mock, brokers) = cluster(1);
    let records: Vec<_> = (0..50).map(|it| (0, format!("k{it}"), it.to_string())).collect();
    write_all(&brokers, &records);
    let open = Arc::new(AtomicBool::new(false));
    let is_open = Arc::clone(&open);
    let script = Script::of(move |event, place, attempt| {
        if place.offset == 0 && !is_open.load(SeqCst) {
            return Err(Failure { retry_after_ms: Some(50), ..Failure::transient(code::UNAVAILABLE, "not yet") });
        }
        echo(event, attempt)
    });
    let house = House::start(&brokers, &format!("{IN_OUT}order = \"key\"\nmax_ahead = 10\n"), script);
    let passed = payloads(&brokers, "out", 9).await;
    until("the oldest was tried again and again", || house.script.offsets(0).iter().filter(|it| **it == 0).count() > 3)
        .await;
    assert_eq!(passed, texts(1..10));
    assert_eq!(house.script.offsets(0).into_iter().max(), Some(9));
    open.store(true, SeqCst);
    payloads(&brokers, "out", 50).await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_order_by_key_dead_letters_and_retries_keep_each_keys_order() {
    let (_mock, brokers) = cluster(1);
    let records: Vec<_> = (0..90).map(|it| (0, format!("k{}", it % 9), it.to_string())).collect();
    write_all(&brokers, &records);
    let script = Script::of(|event, place, attempt| match place.offset % 7 {
        3 if attempt < 2 => Err(Failure::transient("later", "not now")),
        5 => Err(Failure::invalid("bad", "no")),
        _ => echo(event, attempt),
    });
    let house = House::start(&brokers, &format!("{IN_OUT}order = \"key\"\nbatch = {{ events = 20 }}\n"), script);
    let dead = (0..90).filter(|it| it % 7 == 5).count();
    let seen = read(&brokers, "out", move |seen| seen.len() >= 90 - dead).await;
    for key in 0..9 {
        let key = format!("k{key}");
        let numbers: Vec<u32> = seen.iter().filter(|it| it.key == key).map(|it| it.payload.parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "{key}: {numbers:?}");
    }
    until("all is committed", || committed(&brokers, "g", "in", 0) == Some(90)).await;
    assert_eq!(house.around.letters.kept.lock().len(), dead);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_does_not_answer_is_told_of() {
    let (mock, brokers) = cluster(1);
    drop(mock);
    let bounds = crate::kafka::Config { connect: host_core::size::Millis(500), ..config() };
    let error = House::with(trigger(&brokers, IN_OUT), bounds, Script::echo()).ends().await;
    assert!(matches!(&error, SourceError::Failed(why) if why.contains(&brokers)), "{error}");
}
