//! How a call or a step failed.

use host_core::event;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What came of something that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// `invalid` (never retry), `transient` (retry) or `fatal`.
    pub kind: FailureKind,
    /// A stable, short code such as `trap` or `deadline`.
    pub code: String,
    /// What happened, for people.
    pub message: String,
    /// When a retry may make sense, milliseconds from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
    /// Where: a symbolised guest backtrace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtrace: Option<String>,
}

/// Whether doing it again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FailureKind {
    /// The input is at fault; never retry.
    Invalid,
    /// It may work later; retry.
    Transient,
    /// The function is at fault and wants attention.
    Fatal,
}

impl From<event::FailureKind> for FailureKind {
    fn from(kind: event::FailureKind) -> Self {
        match kind {
            event::FailureKind::Invalid => Self::Invalid,
            event::FailureKind::Transient => Self::Transient,
            event::FailureKind::Fatal => Self::Fatal,
        }
    }
}

impl From<event::Failure> for Failure {
    fn from(failure: event::Failure) -> Self {
        let event::Failure { kind, code, message, retry_after_ms, backtrace } = failure;
        Self { kind: kind.into(), code, message, retry_after_ms, backtrace }
    }
}
