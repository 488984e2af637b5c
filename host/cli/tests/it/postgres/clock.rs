//! The clock on two hosts: each moment of a schedule is done once, and what is still at work counts on both.

use super::Database;
use crate::{
    schedules::{every_second, runs},
    support::until,
};

/// How many firings fit a condition.
fn firings(database: &Database, condition: &str) -> u64 {
    database.query(&format!("SELECT count(*) FROM firing WHERE {condition}")).parse().unwrap()
}

#[test]
fn two_hosts_fire_once_per_second() {
    let Some(database) = Database::fresh() else { return };
    let first = database.host();
    let _second = first.twin();
    let policy = "missed = \"all\"\noverlap = \"Allow\"";
    first.deploy("tick", "conformance-job.wasm", &every_second("nothing", policy));
    until("some seconds to pass", || (firings(&database, "run IS NOT NULL") >= 6).then_some(()));
    // In one statement, so that both are looked at in the same moment: firings, seconds between the first and the last,
    // and runs.
    let seen = database.query(
        "SELECT count(*) || ' ' || (max(moment) - min(moment)) / 1000000 + 1 || ' ' || (SELECT count(*) FROM run WHERE name = 'tick') FROM firing",
    );
    let numbers: Vec<&str> = seen.split(' ').collect();
    assert!(numbers[0] == numbers[1] && numbers[1] == numbers[2], "one run per second and none twice: {seen}");
    assert_eq!(firings(&database, "moment % 1000000 <> 0"), 0);
}

#[test]
fn what_is_still_at_work_keeps_the_next_from_it_on_every_host() {
    let Some(database) = Database::fresh() else { return };
    let first = database.host();
    let second = first.twin();
    first.deploy("tick", "conformance-job.wasm", &every_second("spin", "overlap = \"Forbid\""));
    until("some firings to be left out", || (firings(&database, "left_out_for IS NOT NULL") >= 3).then_some(()));
    assert_eq!(firings(&database, "run IS NOT NULL"), 1);
    let runs = runs(&second, "tick");
    assert_eq!((runs.len(), runs[0]["state"].as_str()), (1, Some("running")));
}

#[test]
fn what_is_still_at_work_is_cancelled_for_the_next() {
    let Some(database) = Database::fresh() else { return };
    let first = database.host();
    let second = first.twin();
    first.deploy("tick", "conformance-job.wasm", &every_second("spin", "overlap = \"Replace\""));
    let runs = until("some runs to be replaced", || {
        let runs = runs(&second, "tick");
        (runs.iter().filter(|it| it["state"] == "cancelled").count() >= 2).then_some(runs)
    });
    assert!(runs.iter().filter(|it| it["state"] == "running").count() <= 1, "{runs:?}");
}
