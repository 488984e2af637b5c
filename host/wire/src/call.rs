//! Calls on record.

use host_core::{CallId, Name, RevisionId, RunId, call, record};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{failure::Failure, function::Entry, version::VersionId};

/// The record of one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Call {
    /// The call.
    #[schema(value_type = String)]
    pub id: CallId,
    /// The project.
    #[schema(value_type = String)]
    pub project: Name,
    /// The function.
    #[schema(value_type = String)]
    pub function: Name,
    /// The code that ran.
    #[schema(value_type = String)]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When it was admitted.
    pub started_at: jiff::Timestamp,
    /// What it used.
    pub usage: Usage,
    /// The model versions that computed something for it.
    pub models: Vec<VersionId>,
    /// On whose behalf.
    pub principal: String,
    /// The run it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub run: Option<RunId>,
}

/// How a call ended, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// What a call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// From admission to the end, microseconds.
    pub duration_us: u64,
    /// CPU time of the guest and of the host on its behalf, microseconds.
    pub cpu_us: u64,
    /// The most linear memory the instance held, bytes.
    pub memory_bytes: u64,
    /// Bytes that went in.
    pub bytes_in: u64,
    /// Bytes that came out.
    pub bytes_out: u64,
    /// Whether an instance was made for this call.
    pub fresh: bool,
}

impl From<record::Verdict> for Verdict {
    fn from(verdict: record::Verdict) -> Self {
        match verdict {
            record::Verdict::Ok => Self::Ok,
            record::Verdict::Invalid => Self::Invalid,
            record::Verdict::Transient => Self::Transient,
            record::Verdict::Fatal => Self::Fatal,
        }
    }
}

impl From<Verdict> for record::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ok => Self::Ok,
            Verdict::Invalid => Self::Invalid,
            Verdict::Transient => Self::Transient,
            Verdict::Fatal => Self::Fatal,
        }
    }
}

impl From<call::Usage> for Usage {
    fn from(usage: call::Usage) -> Self {
        let call::Usage { duration_us, cpu_us, memory_bytes, bytes_in, bytes_out, fresh } = usage;
        Self { duration_us, cpu_us, memory_bytes, bytes_in, bytes_out, fresh }
    }
}

impl From<record::CallRecord> for Call {
    fn from(record: record::CallRecord) -> Self {
        Self {
            id: record.id,
            project: record.project,
            function: record.function,
            revision: record.revision,
            entry: record.entry.into(),
            trigger: record.trigger,
            trigger_name: record.trigger_name,
            attempt: record.attempt,
            events: record.events,
            verdict: record.verdict.into(),
            status: record.status,
            failure: record.failure.map(Failure::from),
            started_at: record.started_at,
            usage: record.usage.into(),
            models: record.models.into_iter().map(VersionId::from).collect(),
            principal: record.principal,
            run: record.run,
        }
    }
}
