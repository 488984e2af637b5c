//! What a record costs that comes from Kafka and whose output goes back there, beside a bare loop over rdkafka.
//!
//! Both read the same topic, each round in a group of its own, and write each record as it came, headers and all. CPU
//! and time are taken between a tenth and nine tenths of the outputs, so that neither start nor end counts.

mod bare;
pub(super) mod cluster;
mod pace;

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

pub(crate) use bare::bridge;

use super::Setting;
use crate::{
    child::Running,
    cpu::Spent,
    functions::KAFKA,
    host::Host,
    interrupt,
    report::{Figure, Limit},
    statistics::median,
    subject::Subject,
};
use cluster::Cluster;

/// How many records a second of measuring is worth: many times what a client fetches ahead, which is 64 MiB at most and
/// would be moved for nothing once the clock runs.
const RECORDS_PER_SECOND: f64 = 200_000.0;
/// How long records may take to come out.
const LIMIT: Duration = Duration::from_secs(300);
/// How much CPU a record may cost beyond the bare loop's, microseconds.
const BEYOND_LIMIT: Limit = Limit::AtMost(3.0);

/// One round.
#[derive(Debug, Clone, Copy)]
struct Round {
    cpu_us: f64,
    per_second: f64,
}

/// Who moves the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Bare,
    Host,
}

/// The figures for records of this size.
pub(crate) fn measure(setting: Setting<'_>, subject: Subject, brokers: &str) -> Result<Vec<Figure>> {
    let size = if subject == Subject::Kafka1k { 1_024 } else { 100 };
    let cluster = Cluster::connect(brokers)?;
    let records = count(setting.args.seconds);
    let from = cluster.topic("in", 4)?;
    cluster.fill(&from, records, size)?;
    let mut host = Host::start(setting.places, &setting.folder.join(subject.name()), None)?;
    host.wait_until_ready()?;
    let bench = Bench { setting, cluster: &cluster, host: &host };
    let (mut bare, mut own) = (Vec::new(), Vec::new());
    for _ in 0..setting.args.rounds {
        bare.push(bench.round(Who::Bare, &from, records)?);
        own.push(bench.round(Who::Host, &from, records)?);
    }
    let rate = median(own.iter().map(|it| it.per_second)).context("nothing was measured")? / 2.0;
    let delays = [bench.delays(Who::Bare, size, rate)?, bench.delays(Who::Host, size, rate)?];
    cluster.forget(&from);
    figures(subject, size, &bare, &own, rate, delays)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds are few and positive")]
fn count(seconds: f64) -> u64 {
    (seconds * RECORDS_PER_SECOND).max(10_000.0) as u64
}

/// A place to move records at.
struct Bench<'b> {
    setting: Setting<'b>,
    cluster: &'b Cluster,
    host: &'b Host,
}

/// Whoever moves records now; it is stopped when this is dropped.
enum Mover {
    Bare(Running),
    Host(u32),
}

impl Mover {
    fn pid(&self) -> u32 {
        match self {
            Self::Bare(running) => running.pid(),
            Self::Host(pid) => *pid,
        }
    }
}

impl Bench<'_> {
    /// Has records moved from one topic to another, from the beginning and in a group that nobody had.
    fn start(&self, who: Who, from: &str, to: &str) -> Result<Mover> {
        let group = self.cluster.unique("group");
        if who == Who::Host {
            let trigger = format!(
                "[[triggers]]\nkind = \"kafka\"\nbrokers = [\"{}\"]\ntopics = [\"{from}\"]\ngroup = \"{group}\"\noutput = \"{to}\"\n",
                self.cluster.brokers()
            );
            let folder = KAFKA.write(self.setting.places, &self.setting.folder.join("kafka-function"))?;
            let manifest = folder.join("function.toml");
            let text = fs::read_to_string(&manifest).context("could not read the manifest")?;
            fs::write(&manifest, format!("{text}{trigger}")).context("could not write the manifest")?;
            let folder = folder.to_str().context("the temporary folder has a name that is not text")?;
            self.host.run(&["deploy", folder])?;
            return Ok(Mover::Host(self.host.server().pid()));
        }
        let mut command = Command::new(std::env::current_exe().context("could not find this program")?);
        command.args([
            "bridge-kafka",
            "--brokers",
            self.cluster.brokers(),
            "--from",
            from,
            "--to",
            to,
            "--group",
            &group,
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(Mover::Bare(Running::start("the bare loop", &mut command)?))
    }

    fn round(&self, who: Who, from: &str, records: u64) -> Result<Round> {
        let to = self.cluster.topic("out", 4)?;
        let mover = self.start(who, from, &to)?;
        let first = self.reaches(&mover, &to, records / 10)?;
        let last = self.reaches(&mover, &to, records / 10 * 9)?;
        self.reaches(&mover, &to, records)?;
        self.cluster.forget(&to);
        let moved = f64::from(u32::try_from(last.1 - first.1).context("too many records")?);
        let cpu = last.2.since(&first.2).as_secs_f64();
        Ok(Round { cpu_us: cpu * 1e6 / moved, per_second: moved / last.0.duration_since(first.0).as_secs_f64() })
    }

    /// Waits until a topic holds so many records: when that was, how many there were, and what had been spent.
    fn reaches(&self, mover: &Mover, topic: &str, records: u64) -> Result<(Instant, u64, Spent)> {
        let until = Instant::now() + LIMIT;
        loop {
            let count = self.cluster.count(topic)?;
            if count >= records {
                return Ok((Instant::now(), count, Spent::by(mover.pid())?));
            }
            interrupt::check()?;
            if Instant::now() >= until {
                bail!("only {count} of {records} records came out within {} s", LIMIT.as_secs());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// How long records take that come at a steady rate: the median and the 99th percentile, milliseconds.
    fn delays(&self, who: Who, size: usize, rate: f64) -> Result<(f64, f64)> {
        let (from, to) = (self.cluster.topic("paced-in", 4)?, self.cluster.topic("paced-out", 4)?);
        let _mover = self.start(who, &from, &to)?;
        let delays = pace::delays(self.cluster, &from, &to, size, rate, self.setting.args.seconds);
        [from, to].iter().for_each(|it| self.cluster.forget(it));
        delays
    }
}

fn figures(
    subject: Subject,
    size: usize,
    bare: &[Round],
    own: &[Round],
    rate: f64,
    [bare_delay, own_delay]: [(f64, f64); 2],
) -> Result<Vec<Figure>> {
    let pairs = || bare.iter().zip(own);
    let middle = |values: Vec<f64>| median(values).context("nothing was measured");
    let figure = |what: &str, value: f64, unit: &'static str, limit: Option<Limit>, note: &str| Figure {
        name: subject,
        what: format!("{}: {what}", subject.label()),
        value,
        unit,
        limit,
        note: note.to_owned(),
    };
    let beyond = middle(pairs().map(|(bare, own)| own.cpu_us - bare.cpu_us).collect())?;
    let ratio = middle(pairs().map(|(bare, own)| own.per_second / bare.per_second).collect())?;
    let promised = Limit::AtLeast(if size > 500 { 0.7 } else { 0.5 });
    let paced = format!("at {rate:.0} records a second, half of what the host moves");
    Ok(vec![
        figure("CPU of the bare loop", middle(bare.iter().map(|it| it.cpu_us).collect())?, "us", None, "a record"),
        figure("CPU of the host", middle(own.iter().map(|it| it.cpu_us).collect())?, "us", None, "a record"),
        figure("CPU beyond the bare loop", beyond, "us", Some(BEYOND_LIMIT), "a record"),
        figure("records of the bare loop", middle(bare.iter().map(|it| it.per_second).collect())?, "/s", None, ""),
        figure("records of the host", middle(own.iter().map(|it| it.per_second).collect())?, "/s", None, ""),
        figure("records of the host to those of the bare loop", ratio, "x", Some(promised), "medians of rounds"),
        figure("bare loop, p50", bare_delay.0, "ms", None, &paced),
        figure("bare loop, p99", bare_delay.1, "ms", None, &paced),
        figure("host, p50", own_delay.0, "ms", None, &paced),
        figure("host, p99", own_delay.1, "ms", None, &paced),
    ])
}
