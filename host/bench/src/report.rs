//! What was measured, as it is told: JSON, a text for a terminal, a page for the documentation.

mod command;
mod page;
mod table;

use anyhow::Error;
use host_core::clock::{Clock as _, SystemClock};
use jiff::{civil::Date, tz::TimeZone};
use serde::Serialize;

use crate::{args::BenchArgs, machine::Machine, subject::Subject, talk};

/// The results of one run of the benchmarks.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// What was typed.
    pub(crate) command: String,
    /// The day.
    pub(crate) date: Date,
    /// Where.
    pub(crate) machine: Machine,
    /// How often each HTTP row was measured.
    pub(crate) rounds: u32,
    /// How long each time.
    pub(crate) seconds: f64,
    /// By how many connections.
    pub(crate) connections: u16,
    /// What was loaded over HTTP.
    pub(crate) http: Vec<HttpRow>,
    /// Everything else.
    pub(crate) figures: Vec<Figure>,
    /// What has no number, and why.
    pub(crate) missing: Vec<Missing>,
}

/// One loading of a row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Sample {
    /// CPU time of the server per request, microseconds.
    pub(crate) cpu_us: f64,
    /// Answers per second.
    pub(crate) requests_per_s: f64,
    /// Half of the answers were this quick, microseconds.
    pub(crate) p50_us: f64,
    /// 99% of the answers were this quick, microseconds.
    pub(crate) p99_us: f64,
    /// Records of calls that the host dropped meanwhile.
    pub(crate) dropped: u64,
}

/// A row loaded over HTTP: medians over its rounds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HttpRow {
    /// Which.
    pub(crate) name: Subject,
    /// What it is called.
    pub(crate) what: &'static str,
    /// CPU time per request over that of bare axum in the same round.
    pub(crate) ratio: f64,
    /// The ratio that was promised.
    pub(crate) limit: Option<f64>,
    /// CPU time of the server per request, microseconds.
    pub(crate) cpu_us: f64,
    /// The same in the best round.
    pub(crate) cpu_us_least: f64,
    /// CPU time per request less that of bare axum in the same round.
    pub(crate) cpu_us_beyond_axum: f64,
    /// Answers per second.
    pub(crate) requests_per_s: f64,
    /// Half of the answers were this quick, microseconds.
    pub(crate) p50_us: f64,
    /// 99% of the answers were this quick, microseconds.
    pub(crate) p99_us: f64,
    /// Records of calls that the host dropped, in all rounds together.
    pub(crate) dropped: u64,
    /// Round by round.
    pub(crate) samples: Vec<Sample>,
}

/// What was promised of a number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Limit {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Limit {
    /// Whether a value keeps it; what is no number does not.
    pub(crate) fn is_kept_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }
}

/// One number.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// What it belongs to.
    pub(crate) name: Subject,
    /// What it is.
    pub(crate) what: String,
    /// How much.
    pub(crate) value: f64,
    /// Of what.
    pub(crate) unit: &'static str,
    /// What was promised.
    pub(crate) limit: Option<Limit>,
    /// What to know about it.
    pub(crate) note: String,
}

/// Something without a number.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Missing {
    /// What.
    pub(crate) name: Subject,
    /// Why.
    pub(crate) reason: String,
    /// Whether it should have one.
    pub(crate) is_failure: bool,
}

impl Missing {
    /// Something that was not tried.
    pub(crate) fn on_purpose(name: Subject, reason: impl Into<String>) -> Self {
        Self { name, reason: reason.into(), is_failure: false }
    }

    /// Something that was tried in vain.
    pub(crate) fn failed(name: Subject, error: &Error) -> Self {
        let hint = talk::hint(error).map(|hint| format!(" (try `{hint}`)")).unwrap_or_default();
        let reason = one_line(&format!("{error:#}{hint}"));
        talk::say(format_args!("error: could not measure {}: {reason}", name.name()));
        Self { name, reason, is_failure: true }
    }
}

impl Report {
    /// A report without results yet.
    pub(crate) fn begin(args: &BenchArgs) -> Self {
        Self {
            command: command::typed(std::env::args().skip(1)),
            date: args.date.unwrap_or_else(today),
            machine: Machine::here(),
            rounds: args.rounds,
            seconds: args.seconds,
            connections: args.connections,
            http: Vec::new(),
            figures: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Whether something could not be measured that should have been.
    pub(crate) fn has_failures(&self) -> bool {
        self.missing.iter().any(|it| it.is_failure)
    }

    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let mut parts = vec![format!("{}\n{}, {}", self.command, self.machine, self.date)];
        parts.extend(table::http(&self.http).map(|it| table::text(&it)));
        parts.extend(table::figures(&self.figures).map(|it| table::text(&it)));
        parts.extend(self.missing.iter().map(Missing::line));
        parts.join("\n\n")
    }

    /// For the documentation.
    pub(crate) fn markdown(&self) -> String {
        page::write(self)
    }
}

impl Missing {
    fn line(&self) -> String {
        format!("{}: not measured: {}", self.name.label(), self.reason)
    }
}

/// What other programs say has many lines; a table and a list have no room for them.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The one place that asks which day it is.
fn today() -> Date {
    SystemClock.now().to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests;
