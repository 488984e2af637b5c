//! What is kept of calls: records, exact totals, log lines and audit events.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    CallId, Name, RevisionId, RunId, call::Usage, event::Failure, function::Entry, identity::TokenId, model::VersionId,
};

/// How a call ended, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It answered.
    Ok,
    /// Its input was at fault.
    Invalid,
    /// It may work later.
    Transient,
    /// The function was at fault.
    Fatal,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Invalid => "invalid",
            Self::Transient => "transient",
            Self::Fatal => "fatal",
        }
    }
}

/// The record of one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The call.
    pub id: CallId,
    /// The project.
    pub project: Name,
    /// The function.
    pub function: Name,
    /// The code that ran.
    pub revision: RevisionId,
    /// The way in.
    pub entry: Entry,
    /// The kind of trigger.
    pub trigger: String,
    /// Which trigger.
    pub trigger_name: String,
    /// Counted from 1.
    pub attempt: u32,
    /// Events in the batch; 1 for anything else.
    pub events: u32,
    /// How it ended.
    pub verdict: Verdict,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// What went wrong.
    pub failure: Option<Failure>,
    /// When it was admitted.
    pub started_at: Timestamp,
    /// What it used.
    pub usage: Usage,
    /// The model versions that computed something for it.
    pub models: Vec<VersionId>,
    /// On whose behalf.
    pub principal: String,
    /// The run it was for.
    pub run: Option<RunId>,
}

/// What every call adds to the exact totals of its second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// The code that ran.
    pub revision: RevisionId,
    /// How it ended.
    pub verdict: Verdict,
    /// Events in the batch; 1 for anything else.
    pub events: u32,
    /// When it was admitted.
    pub started_at: Timestamp,
    /// What it used.
    pub usage: Usage,
}

/// Exact totals of one revision over one second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The code that ran.
    pub revision: RevisionId,
    /// The second, since the epoch.
    pub second: i64,
    /// Calls.
    pub calls: u64,
    /// Events.
    pub events: u64,
    /// Calls that did not end well.
    pub failures: u64,
    /// The sum of their durations, microseconds.
    pub duration_us: u64,
    /// The longest, microseconds.
    pub longest_us: u64,
    /// The sum of their CPU time, microseconds.
    pub cpu_us: u64,
    /// Bytes that went in.
    pub bytes_in: u64,
    /// Bytes that came out.
    pub bytes_out: u64,
}

/// How loud a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Every step of the way.
    Trace,
    /// For whoever debugs the function.
    Debug,
    /// What happened.
    Info,
    /// What may matter.
    Warn,
    /// What a person should look at.
    Error,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Where a log line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// The log interface.
    Log,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The host, about the call.
    Host,
}

impl Stream {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Host => "host",
        }
    }
}

/// One line that a guest wrote or logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// The project.
    pub project: Name,
    /// The function.
    pub function: Name,
    /// The code that ran.
    pub revision: RevisionId,
    /// The call it belongs to.
    pub call: CallId,
    /// The run it belongs to.
    pub run: Option<RunId>,
    /// The step of that run, `name` or `name#trial`.
    pub step: Option<String>,
    /// Where it came from.
    pub stream: Stream,
    /// How loud it is.
    pub level: Level,
    /// The line, cleaned of control characters.
    pub message: String,
    /// Fields to search by.
    pub fields: Map<String, Value>,
}

/// A change somebody made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// The token they showed, where they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenId>,
    /// The address they asked from, where it was over the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<IpAddr>,
    /// What, such as `function.activated`, `alias.moved`, `run.cancelled`.
    pub action: String,
    /// The project; none where it concerns the whole host, such as a token for every project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Name>,
    /// Of what, such as the function's name.
    pub subject: String,
    /// The rest.
    pub details: Value,
}
