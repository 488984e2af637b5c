//! Firing times: gaps and repeats of clocks, late and missed firings, jitter.

use serde_json::json;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// So many firings after a moment, as the clocks of the zone show them.
fn shown(cron: &str, zone: &str, after: &str, most: usize) -> Vec<String> {
    let schedule = Schedule::parse(cron, zone).unwrap();
    let firings = std::iter::successors(schedule.after(at(after)), |it| schedule.after(*it));
    let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
    let shown = |it: Timestamp| it.to_zoned(zone.clone()).strftime("%d %H:%M:%S %:z").to_string();
    firings.take(most).map(shown).collect()
}

fn timetable(more: serde_json::Value) -> Timetable {
    let mut trigger = json!({ "cron": "0 * * * *" });
    trigger.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Timetable::new(&serde_json::from_value(trigger).unwrap(), "default/clock/schedule".into()).unwrap()
}

#[test]
fn a_fixed_time_that_is_skipped_by_the_clocks_fires_right_after_the_gap() {
    // Berlin goes from 02:00 to 03:00 on the 29th.
    let found = shown("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3);
    assert_eq!(found, ["28 02:30:00 +01:00", "29 03:00:00 +02:00", "30 02:30:00 +02:00"]);
}

#[test]
fn what_repeats_skips_the_gap() {
    let found = shown("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:01:00Z", 4);
    assert_eq!(found, ["29 01:30:00 +01:00", "29 03:00:00 +02:00", "29 03:30:00 +02:00", "29 04:00:00 +02:00"]);
}

#[test]
fn a_fixed_time_that_comes_twice_fires_once() {
    // Berlin goes from 03:00 back to 02:00 on the 25th.
    let found = shown("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
    assert_eq!(found, ["25 02:30:00 +02:00", "26 02:30:00 +01:00"]);
}

#[test]
fn what_repeats_does_so_in_both_hours() {
    let found = shown("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:31:00Z", 5);
    let expected =
        ["25 02:00:00 +02:00", "25 02:30:00 +02:00", "25 02:00:00 +01:00", "25 02:30:00 +01:00", "25 03:00:00 +01:00"];
    assert_eq!(found, expected);
}

#[test]
fn backwards_the_same_firings_are_found() {
    let schedule = Schedule::parse("*/20 2,3 * * *", "Europe/Berlin").unwrap();
    for day in ["2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z"] {
        let forward: Vec<_> =
            std::iter::successors(schedule.after(at(day)), |it| schedule.after(*it)).take(9).collect();
        let before = |it: &Timestamp| schedule.until(*it - SignedDuration::from_secs(1));
        let mut back: Vec<_> = std::iter::successors(forward.last().copied(), before).take(9).collect();
        back.reverse();
        assert_eq!(forward, back, "{day}");
    }
}

#[test]
fn seconds_and_nicknames_are_understood() {
    assert_eq!(
        shown("*/20 * * * * *", "UTC", "2026-01-01T00:00:00.5Z", 2),
        ["01 00:00:20 +00:00", "01 00:00:40 +00:00"]
    );
    assert_eq!(shown("@daily", "UTC", "2026-01-01T00:00:00Z", 1), ["02 00:00:00 +00:00"]);
    assert_eq!(shown("0 9 * * MON-FRI", "America/New_York", "2026-01-02T15:00:00Z", 1), ["05 09:00:00 -05:00"]);
}

#[test]
fn what_is_not_understood_is_told_with_an_example() {
    for (cron, zone, part) in [
        ("61 * * * *", "UTC", "`61 * * * *` is not understood"),
        ("* * *", "UTC", "it has 3 fields"),
        ("* * * * * * 2027", "UTC", "it has 7 fields"),
        ("0 0 30 2 *", "UTC", "no day fits it"),
        ("@often", "UTC", "`0 2 * * *`"),
        ("", "UTC", "it has 0 fields"),
        ("0 2 * * *", "Berlin", "`Europe/Berlin`"),
    ] {
        let error = check(cron, zone).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_firing_is_due_at_its_moment_and_once() {
    let table = timetable(json!({}));
    let (before, noon) = (at("2026-01-01T11:59:59Z"), at("2026-01-01T12:00:00Z"));
    assert_eq!(table.plan(at("2026-01-01T11:00:00Z"), before).due, []);
    assert_eq!(table.plan(at("2026-01-01T11:00:00Z"), before).next, Some((noon, noon)));
    let plan = table.plan(at("2026-01-01T11:00:00Z"), noon);
    assert_eq!((plan.due, plan.seen), (vec![noon], noon));
    assert_eq!(table.plan(noon, noon).due, []);
}

#[test]
fn missed_firings_are_left_out_caught_up_with_or_the_last_is_done() {
    let (since, now) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T12:10:00Z"));
    let due = |missed: &str, grace: &str| timetable(json!({ "missed": missed, "grace": grace })).plan(since, now).due;
    assert_eq!(due("skip", "1d"), []);
    assert_eq!(due("last", "1d"), [at("2026-01-01T12:00:00Z")]);
    assert_eq!(due("all", "1d").len(), 12);
    assert_eq!(due("all", "3h"), ["2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z"].map(at));
    assert_eq!(due("last", "5m"), []);
}

#[test]
fn a_long_absence_is_caught_up_with_within_a_bound() {
    let table = timetable(json!({ "cron": "* * * * * *", "missed": "all", "grace": "30d" }));
    let plan = table.plan(at("2026-01-01T00:00:00Z"), at("2026-01-20T00:00:00Z"));
    assert_eq!((plan.due.len(), plan.seen), (MOST_MISSED, at("2026-01-20T00:00:00Z")));
}

#[test]
fn a_host_that_is_held_up_for_a_moment_misses_nothing() {
    for missed in ["skip", "last", "all"] {
        let table = timetable(json!({ "cron": "* * * * * *", "missed": missed }));
        let plan = table.plan(at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:03.2Z"));
        assert_eq!(plan.due.len(), 3, "{missed}");
    }
}

#[test]
fn a_firing_on_time_stands_for_those_that_were_missed() {
    let table = timetable(json!({ "missed": "last" }));
    let plan = table.plan(at("2026-01-01T00:00:00Z"), at("2026-01-01T12:00:01Z"));
    assert_eq!(plan.due, [at("2026-01-01T12:00:00Z")]);
}

#[test]
fn jitter_is_the_same_on_every_host_and_never_reaches_the_next_firing() {
    let table = timetable(json!({ "cron": "* * * * *", "jitter": "10m" }));
    let mut moment = at("2026-01-01T00:00:00Z");
    let mut waits = Vec::new();
    for _ in 0..50 {
        let next = table.schedule.after(moment).unwrap();
        let due = table.due_at(moment);
        assert_eq!(due, table.due_at(moment));
        assert!(due >= moment && due < next, "{due}");
        waits.push(due.duration_since(moment));
        moment = next;
    }
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 40);
}

#[test]
fn what_is_put_off_is_not_due_before() {
    let table = timetable(json!({ "jitter": "30m" }));
    let noon = at("2026-01-01T12:00:00Z");
    let (since, due) = (at("2026-01-01T11:00:00Z"), table.due_at(noon));
    assert!(due > noon);
    let plan = table.plan(since, due - SignedDuration::from_millis(1));
    assert_eq!((plan.due, plan.seen, plan.next), (vec![], since, Some((due, noon))));
    assert_eq!(table.plan(since, due).due, [noon]);
}
