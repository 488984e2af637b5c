//! What a message costs that comes from an AMQP queue and whose output goes to another, beside a bare loop over lapin.
//!
//! Each round moves a queue of its own, filled beforehand. CPU and time are taken between a tenth and nine tenths of the
//! outputs, so that neither start nor end counts.

mod bare;
mod broker;

use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

pub(crate) use bare::bridge;

use super::Setting;
use crate::{
    child::Running,
    cpu::Spent,
    functions::AMQP,
    host::Host,
    interrupt,
    report::{Figure, Limit},
    statistics::median,
    subject::Subject,
};
use broker::Broker;

/// How many messages a second of measuring is worth.
const MESSAGES_PER_SECOND: f64 = 8_000.0;
/// How long messages may take to come out.
const LIMIT: Duration = Duration::from_secs(300);
/// How many of the bare loop's messages the host moves in the same time.
const RATIO_LIMIT: Limit = Limit::AtLeast(0.9);

/// One round.
#[derive(Debug, Clone, Copy)]
struct Round {
    cpu_us: f64,
    per_second: f64,
}

/// The figures for messages of this size.
pub(crate) fn measure(setting: Setting<'_>, subject: Subject, url: &str) -> Result<Vec<Figure>> {
    let size = if subject == Subject::Amqp1k { 1_024 } else { 100 };
    let broker = Broker::connect(url)?;
    let mut host = Host::start(setting.places, &setting.folder.join(subject.name()), None)?;
    host.wait_until_ready()?;
    let messages = count(setting.args.seconds);
    let bench = Bench { setting, broker: &broker, host: &host, messages, size };
    let (mut bare, mut own) = (Vec::new(), Vec::new());
    for _ in 0..setting.args.rounds {
        bare.push(bench.round(|from, to| bench.start_bare(from, to))?);
        own.push(bench.round(|from, to| bench.start_host(from, to))?);
    }
    figures(subject, &bare, &own)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds are few and positive")]
fn count(seconds: f64) -> u32 {
    (seconds * MESSAGES_PER_SECOND).max(5_000.0) as u32
}

/// A place to move messages at.
struct Bench<'b> {
    setting: Setting<'b>,
    broker: &'b Broker,
    host: &'b Host,
    messages: u32,
    size: usize,
}

/// Whoever moves messages now; it is stopped when this is dropped.
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
    fn start_bare(&self, from: &str, to: &str) -> Result<Mover> {
        let mut command = self.setting.places.ourselves();
        command.args(["bridge-amqp", "--url", self.broker.url(), "--from", from, "--to", to]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(Mover::Bare(Running::start("the bare loop", &mut command)?))
    }

    fn start_host(&self, from: &str, to: &str) -> Result<Mover> {
        let trigger = format!(
            "[[triggers]]\nkind = \"amqp\"\nurl = \"{}\"\nqueue = \"{from}\"\npassive = true\noutput = \"{to}\"\n",
            self.broker.address()
        );
        let folder = AMQP.write(self.setting.places, &self.setting.folder.join("amqp-function"))?;
        let manifest = folder.join("function.toml");
        let text = fs::read_to_string(&manifest).context("could not read the manifest")?;
        fs::write(&manifest, format!("{text}{trigger}")).context("could not write the manifest")?;
        let folder = folder.to_str().context("the temporary folder has a name that is not text")?;
        self.host.run(&["deploy", folder])?;
        Ok(Mover::Host(self.host.server().pid()))
    }

    fn round(&self, start: impl Fn(&str, &str) -> Result<Mover>) -> Result<Round> {
        let (from, to) = (self.broker.queue("in")?, self.broker.queue("out")?);
        self.broker.fill(&from, self.messages, self.size)?;
        let mover = start(&from, &to)?;
        let first = self.reaches(&mover, &to, self.messages / 10)?;
        let last = self.reaches(&mover, &to, self.messages / 10 * 9)?;
        self.reaches(&mover, &to, self.messages)?;
        let moved = f64::from(last.1 - first.1);
        let cpu = last.2.since(&first.2).as_secs_f64();
        drop(mover);
        self.broker.delete(&[&from, &to, &format!("{from}.dead")])?;
        Ok(Round { cpu_us: cpu * 1e6 / moved, per_second: moved / last.0.duration_since(first.0).as_secs_f64() })
    }

    /// Waits until a queue holds so many messages: when that was, how many there were, and what had been spent.
    fn reaches(&self, mover: &Mover, queue: &str, messages: u32) -> Result<(Instant, u32, Spent)> {
        let until = Instant::now() + LIMIT;
        loop {
            let count = self.broker.count(queue)?;
            if count >= messages {
                return Ok((Instant::now(), count, Spent::by(mover.pid())?));
            }
            interrupt::check()?;
            if Instant::now() >= until {
                bail!("only {count} of {messages} messages came out within {} s", LIMIT.as_secs());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn figures(subject: Subject, bare: &[Round], own: &[Round]) -> Result<Vec<Figure>> {
    let middle = |values: Vec<f64>| median(values).context("nothing was measured");
    let figure = |what: &str, value: f64, unit: &'static str, limit: Option<Limit>, note: &str| Figure {
        name: subject,
        what: format!("{}: {what}", subject.label()),
        value,
        unit,
        limit,
        note: note.to_owned(),
    };
    let ratio = middle(bare.iter().zip(own).map(|(bare, own)| own.per_second / bare.per_second).collect())?;
    let of = |rounds: &[Round], number: fn(&Round) -> f64| middle(rounds.iter().map(number).collect());
    Ok(vec![
        figure("CPU of the bare loop", of(bare, |it| it.cpu_us)?, "us", None, "a message"),
        figure("CPU of the host", of(own, |it| it.cpu_us)?, "us", None, "a message"),
        figure("messages of the bare loop", of(bare, |it| it.per_second)?, "/s", None, ""),
        figure("messages of the host", of(own, |it| it.per_second)?, "/s", None, ""),
        figure("messages of the host to those of the bare loop", ratio, "x", Some(RATIO_LIMIT), "medians of rounds"),
    ])
}
