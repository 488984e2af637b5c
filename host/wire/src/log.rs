//! Log lines.

use host_core::{CallId, Name, RevisionId, RunId, record};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// One line that a guest wrote or logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// Its place among all lines: what comes after it is asked for with `after`.
    pub id: String,
    /// When.
    pub at: jiff::Timestamp,
    /// The function.
    #[schema(value_type = String)]
    pub function: Name,
    /// The code that ran.
    #[schema(value_type = String)]
    pub revision: RevisionId,
    /// The call it belongs to.
    #[schema(value_type = String)]
    pub call: CallId,
    /// The run it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub run: Option<RunId>,
    /// The step of that run, `name` or `name#trial`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Where it came from.
    pub stream: Stream,
    /// How loud it is.
    pub level: Level,
    /// The line.
    pub message: String,
    /// Fields to search by.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub fields: Map<String, Value>,
}

/// How loud a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

impl From<record::Level> for Level {
    fn from(level: record::Level) -> Self {
        match level {
            record::Level::Trace => Self::Trace,
            record::Level::Debug => Self::Debug,
            record::Level::Info => Self::Info,
            record::Level::Warn => Self::Warn,
            record::Level::Error => Self::Error,
        }
    }
}

impl From<Level> for record::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

impl From<record::Stream> for Stream {
    fn from(stream: record::Stream) -> Self {
        match stream {
            record::Stream::Log => Self::Log,
            record::Stream::Stdout => Self::Stdout,
            record::Stream::Stderr => Self::Stderr,
            record::Stream::Host => Self::Host,
        }
    }
}

impl LogLine {
    /// A line at its place.
    #[must_use]
    pub fn new(id: String, line: record::LogLine) -> Self {
        Self {
            id,
            at: line.at,
            function: line.function,
            revision: line.revision,
            call: line.call,
            run: line.run,
            step: line.step,
            stream: line.stream.into(),
            level: line.level.into(),
            message: line.message,
            fields: line.fields,
        }
    }
}
