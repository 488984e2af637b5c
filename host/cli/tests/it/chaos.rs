//! Steady streams through two hosts while everything around them breaks: nothing is lost, nothing comes out of order,
//! and what comes twice is bounded. Short here; `cargo xtask chaos` does the same for minutes, with restarts of brokers.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use self::{
    ledger::{Promise, Scored, Seen, Sent, Verdict, judge, unstamped},
    plan::{Kind, Plan},
    world::{Names, Servers, World},
};
use crate::support::{PATIENCE, until};

mod kafka;
mod ledger;
mod plan;
mod proxy;
mod rabbit;
mod world;

/// The variable that asks for the long form, and says how long.
const MINUTES: &str = "WEFT_TEST_CHAOS_MINUTES";
/// The variable that names the seed.
const SEED: &str = "WEFT_TEST_CHAOS_SEED";

/// How many hosts there are, but for those that join for a while.
const HOSTS: usize = 2;

/// How many records the hosts may have read and not settled.
const IN_FLIGHT: usize = 200;

/// For how long a host may go on with what it has read when it is no longer its own: a frozen one learns that only after
/// it has thawed; and how long ago it may have committed its offsets.
const UNAWARE: usize = 2;

#[test]
fn streams_survive_what_happens_to_hosts_and_connections() {
    let Some(servers) = Servers::find() else { return };
    let length = Duration::from_secs(20);
    let plan = Plan::of(seed().unwrap_or(20), &servers.faults(), HOSTS, Duration::from_millis(2_200), length);
    endure(&servers, &plan, 200);
}

/// The long form of the same; it says nothing where nobody asks for it.
#[test]
fn streams_survive_for_as_long_as_asked() {
    let Some(minutes) = std::env::var(MINUTES).ok().and_then(|it| it.parse::<u64>().ok()) else { return };
    let servers = Servers::find().expect("the long form needs brokers");
    let length = Duration::from_secs(60 * minutes);
    let plan = Plan::of(seed().unwrap_or(1), &servers.faults(), HOSTS, Duration::from_secs(8), length);
    endure(&servers, &plan, 500);
}

fn seed() -> Option<u64> {
    std::env::var(SEED).ok()?.parse().ok()
}

/// Sends steadily while the plan happens, then holds what came out against what was sent.
fn endure(servers: &Servers, plan: &Plan, per_second: u32) {
    let names = Names::fresh();
    let Some(mut world) = World::start(servers, &names) else { return };
    say(&format!("chaos: seed {}, {} s, {per_second} records/s, {HOSTS} hosts", plan.seed, plan.length.as_secs()));
    let stop = Arc::new(AtomicBool::new(false));
    let records = kafka::send(&servers.kafka, &names.input(), per_second, stop.clone());
    let messages = rabbit::send(&servers.rabbit, &names.input(), per_second / 4, stop.clone());
    happen(plan, &mut world);
    stop.store(true, Ordering::Relaxed);
    let (records, messages) = (records.join().unwrap(), messages.join().unwrap());
    say("sent; reading what came out");
    check(servers, &names, &world, plan, (&records, &messages));
}

/// Lets everything happen in its time.
fn happen(plan: &Plan, world: &mut World) {
    let started = Instant::now();
    for (at, fault) in &plan.steps {
        thread::sleep(at.saturating_sub(started.elapsed()));
        let began = started.elapsed();
        world.suffer(fault);
        let took = (started.elapsed() - began).as_secs_f64();
        say(&format!("{:>7.1} s  {fault}, done after {took:.1} s", began.as_secs_f64()));
    }
    thread::sleep(plan.length.saturating_sub(started.elapsed()));
}

fn check(servers: &Servers, names: &Names, world: &World, plan: &Plan, (records, messages): (&Sent, &Sent)) {
    let read = |function| kafka::read(&servers.kafka, &names.output(function), &records.confirmed);
    let disturbances = plan.steps.len() - plan.count(&[Kind::Deploy, Kind::Swap]) + plan.count(&[Kind::Join]);
    let known = world.revisions();
    let a_second = records.confirmed.len() / usize::try_from(plan.length.as_secs()).unwrap();
    let steady = Promise { twice: disturbances * (IN_FLIGHT + UNAWARE * a_second), ordered: true };
    let steady = judge(records, &read("steady"), known, steady);
    let once = judge(records, &read("once"), known, Promise { twice: 0, ordered: true });
    let mail = rabbit::read(&servers.rabbit, &names.output("mail"), &messages.confirmed);
    let twice = disturbances * (HOSTS + 1) * world::PREFETCH;
    let mail = judge(messages, &mail, known, Promise { twice, ordered: false });
    let mut wrong = Vec::new();
    for (stream, verdict) in [("kafka, at least once", &steady), ("kafka, exactly once", &once), ("amqp", &mail)] {
        say(&format!("{stream:<22} {verdict}"));
        wrong.extend(verdict.findings().iter().map(|it| format!("{stream}: {it}")));
        wrong.extend(few_revisions(plan, stream, verdict));
    }
    wrong.extend(misscored(servers, names, world, records));
    wrong.extend(miscounted(world, records));
    wrong.extend(world.dead_letters().iter().map(|it| format!("given up: {it}")));
    if !wrong.is_empty() {
        world.told().iter().chain(&world.warnings()).for_each(|line| say(line));
    }
    assert!(wrong.is_empty(), "seed {}: {} findings:\n{}", plan.seed, wrong.len(), wrong.join("\n"));
    assert!(records.confirmed.len() > 500 && messages.confirmed.len() > 100, "hardly anything was sent");
}

/// Where new revisions were deployed in the middle, some outputs are theirs.
fn few_revisions(plan: &Plan, stream: &str, verdict: &Verdict) -> Option<String> {
    let is_few = plan.count(&[Kind::Deploy]) > 0 && verdict.revisions() < 2;
    is_few.then(|| format!("{stream}: the revisions that were deployed made nothing"))
}

/// Scores that are missing, come twice, or bear no version or an older one than came before.
fn misscored(servers: &Servers, names: &Names, world: &World, records: &Sent) -> Vec<String> {
    let scores = kafka::read_scores(&servers.kafka, &names.output("score"), &records.confirmed);
    let seen = |it: &Scored| Seen { id: it.id.clone(), key: None, partition: it.partition, revision: String::new() };
    let seen: Vec<Seen> = scores.iter().map(seen).collect();
    let promise = Promise { twice: 0, ordered: true };
    let verdict = judge(records, &seen, &HashSet::from([String::new()]), promise);
    say(&format!("{:<22} {verdict}; {} models", "scores, exactly once", world.models()));
    let wrong = verdict.findings().iter().cloned().chain(unstamped(&scores, world.models()));
    wrong.map(|it| format!("scores: {it}")).collect()
}

/// Keys whose count is not the number of their events.
fn miscounted(world: &World, records: &Sent) -> Vec<String> {
    if !records.unsure.is_empty() {
        return vec![format!("{} records were never confirmed, so nothing can be counted", records.unsure.len())];
    }
    let mut wrong = Vec::new();
    for key in kafka::keys() {
        let prefix = format!("{key}-");
        let sent: HashSet<&String> = records.confirmed.iter().filter(|it| it.starts_with(&prefix)).collect();
        let sent = u64::try_from(sent.len()).unwrap();
        let until_counted = Instant::now() + PATIENCE;
        let counted = until("a count", || {
            let counted = world.counted(&key);
            (counted >= sent || Instant::now() + Duration::from_secs(5) > until_counted).then_some(counted)
        });
        if counted != sent {
            wrong.push(format!("{counted} events of {key} were counted, of {sent}"));
        }
    }
    say(&format!("{:<22} {} keys", "keyed counts", kafka::keys().count()));
    wrong
}

#[expect(clippy::print_stderr, reason = "whoever waits sees what happens")]
fn say(line: &str) {
    eprintln!("{line}");
}
