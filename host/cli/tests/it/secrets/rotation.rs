//! Rotation: the next call sees the new value, a warm instance that saw the old one is gone, jobs run again.

use serde_json::{Value, json};

use super::{set, tell, teller};
use crate::{runs::ran, support::Host};

fn first(host: &Host) -> (String, u64) {
    let (status, said) = tell(host, "first", "db");
    assert_eq!(status, 200, "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    (said["first"].as_str().unwrap().to_owned(), said["calls"].as_u64().unwrap())
}

#[test]
fn the_next_call_sees_the_new_value_in_an_instance_that_never_saw_the_old() {
    let host = teller("the first value");
    assert_eq!(first(&host), ("the first value".to_owned(), 1));
    assert_eq!(first(&host), ("the first value".to_owned(), 2), "an instance is kept warm");
    set(&host, "rotate", "db", "the second value");
    assert_eq!(first(&host), ("the second value".to_owned(), 1), "even where a function keeps what it read");
    assert_eq!(first(&host), ("the second value".to_owned(), 2));
    host.json(&["secrets", "delete", "db"]);
    assert_eq!(tell(&host, "get", "db").0, 500);
    host.json(&["secrets", "rekey"]);
    set(&host, "set", "db", "the third value");
    assert_eq!(first(&host), ("the third value".to_owned(), 1));
}

#[test]
fn a_value_outlives_a_restart_and_a_new_key() {
    let mut host = teller("the only value");
    host.json(&["secrets", "rekey"]);
    assert_eq!(tell(&host, "get", "db"), (200, "the only value".to_owned()));
    host.terminate();
    host.restart();
    assert_eq!(tell(&host, "get", "db"), (200, "the only value".to_owned()));
}

const JOB: &str = "[grants]\nsecret = [\"db\"]\n[params]\nname = { type = \"string\" }\nend = { type = \"string\", optional = true }\n[outputs.out]\n";

#[test]
fn a_job_that_reads_a_secret_runs_again_once_it_is_rotated() {
    let host = Host::start();
    set(&host, "set", "db", "the first value");
    host.deploy("reader", "conformance-secret-job.wasm", JOB);
    let run = || ran(&host.run(&["run", "reader", "-p", "name=db", "--json"])).done();
    let before = run();
    let again = run();
    assert_eq!(again.steps()[0]["cached_from"], before.0["run"]["id"], "equal work is not done again");
    set(&host, "rotate", "db", "a second, longer value");
    let after = run();
    assert_eq!(after.steps()[0]["cached_from"], Value::Null);
    assert_ne!(after.steps()[0]["outputs"], before.steps()[0]["outputs"]);
    let output = host.run(&["runs", "reproduce", before.id(), "--json"]);
    let comparison: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(comparison["verdict"], json!("not-comparable"), "{comparison}");
    let obstacles = comparison["obstacles"].to_string();
    assert!(obstacles.contains("secret `db` was given another value since"), "{obstacles}");
}
