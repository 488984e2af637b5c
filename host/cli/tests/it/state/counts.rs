//! Counts by key: kept through kill -9, shared by two hosts, and never of one event twice.

use std::thread;

use serde_json::json;

use super::{COUNTER, ask, count, send, server, unique};
use crate::{
    postgres::Database,
    support::{Host, Options},
};

const KEYS: [&str; 3] = ["red", "green", "blue"];

#[test]
fn counts_survive_kill_9_and_no_event_counts_twice() {
    let mut host = Host::start();
    host.deploy("counter", "conformance_state.wasm", COUNTER);
    for round in 1..=3 {
        for key in KEYS {
            for id in round * 10..round * 10 + 5 {
                count(&host, key, id);
            }
        }
        host.kill();
        host.restart();
        for key in KEYS {
            // The first five once more, as after a failure, and five that are new.
            for id in round * 10..round * 10 + 10 {
                count(&host, key, id);
            }
        }
    }
    for key in KEYS {
        assert_eq!(count(&host, key, 10), 30, "thirty distinct events of `{key}`, however often they came");
        assert_eq!(count(&host, key, 40), 31);
    }
    host.terminate();
    host.restart();
    assert_eq!(count(&host, "red", 40), 31);
}

#[test]
fn events_that_are_cut_off_in_the_middle_are_counted_once_or_not_yet() {
    let mut host = Host::start();
    host.deploy("counter", "conformance_state.wasm", COUNTER);
    let url = host.url("/fn/counter");
    let senders: Vec<_> = KEYS
        .iter()
        .map(|key| {
            let url = url.clone();
            thread::spawn(move || {
                for id in 1..=1_000_u64 {
                    let event = json!({ "key": key, "id": id }).to_string();
                    let sent = ureq::post(&url).header("ce-specversion", "1.0").header("ce-id", "1");
                    let sent = sent.header("ce-source", "/tests").header("ce-type", "item").send(event.as_bytes());
                    if sent.is_err() {
                        return id;
                    }
                }
                1_001
            })
        })
        .collect();
    crate::support::until("some to be counted", || (count(&host, "red", 0) > 20).then_some(()));
    host.kill();
    let reached: Vec<u64> = senders.into_iter().map(|it| it.join().unwrap()).collect();
    host.restart();
    for (key, reached) in KEYS.iter().zip(reached) {
        // Every event that was answered is there; the one that was not may be.
        let before = count(&host, key, 0);
        assert!(before == reached || before == reached + 1, "`{key}`: {before} after {reached}");
        for id in 1..=reached {
            count(&host, key, id);
        }
        assert_eq!(count(&host, key, 0), reached + 1, "all that were sent, and number 0");
    }
}

/// Both hosts at once, four senders each.
fn race(hosts: [&Host; 2]) {
    thread::scope(|scope| {
        for sender in 0..8 {
            let host = hosts[sender % 2];
            scope.spawn(move || {
                for id in 0..20 {
                    ask(host, "counter", "increment", &json!({ "key": "sum", "by": 2 }));
                    // The same event reaches both hosts.
                    count(host, "shared", id);
                }
            });
        }
    });
    for host in hosts {
        assert_eq!(ask(host, "counter", "get", &json!({ "key": "sum" })), 320, "no increment is lost");
        assert_eq!(count(host, "shared", 0), 20, "each event counts once, whichever host was faster");
    }
}

#[test]
fn two_hosts_of_one_postgres_count_together_and_lose_nothing() {
    let Some(database) = Database::fresh() else { return };
    let first = Host::start_with(Options::default().env("DATABASE_URL", &database.url()));
    let second = first.twin();
    first.deploy("counter", "conformance_state.wasm", COUNTER);
    crate::support::until("the other host to follow", || {
        (send(&second, "counter", "get", &json!({ "key": "x" })).0 == 200).then_some(())
    });
    race([&first, &second]);
}

#[test]
fn two_hosts_of_one_redis_count_together_and_lose_nothing() {
    let Some(address) = server("WEFT_TEST_REDIS") else { return };
    let options = || Options::default().env("WEFT_KEYVALUE__BACKEND", &address);
    // Whatever is kept in this Redis by others, no other test has this bucket.
    let grants = format!("[grants]\nkeyvalue = [\"{}\", \"default\"]\n", unique("races"));
    let (first, mut second) = (Host::start_with(options()), Host::start_with(options()));
    let project = unique("p");
    for host in [&first, &second] {
        let folder = host.function("counter", "conformance_state.wasm", &grants);
        host.json(&["deploy", folder.to_str().unwrap(), "--project", &project]);
    }
    let function = format!("{project}:counter");
    thread::scope(|scope| {
        for host in [&first, &second] {
            let function = &function;
            scope.spawn(move || {
                for id in 0..40 {
                    ask(host, function, "item", &json!({ "key": "k", "id": id }));
                    ask(host, function, "increment", &json!({ "key": "sum" }));
                }
            });
        }
    });
    second.kill();
    second.restart();
    for host in [&first, &second] {
        assert_eq!(ask(host, &function, "get", &json!({ "key": "sum" })), 80);
        assert_eq!(ask(host, &function, "item", &json!({ "key": "k", "id": 7 }))["count"], 40);
    }
    ask(&first, &function, "delete-many", &json!({ "keys": ["k", "sum"] }));
    assert_eq!(ask(&second, &function, "keys", &json!({})), json!([]));
}
