//! What went wrong, as RFC 9457 wants it told.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A problem: what happened, where, and what to do next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What kind of problem it is, stable over releases: `urn:weft:problem:<code>`.
    pub r#type: String,
    /// The kind, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The last part of `type`.
    pub code: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where in what was sent, such as `function.toml:3:11`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The call it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// Every mistake, where there can be several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<Mistake>,
}

/// One of several mistakes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mistake {
    /// The line, counted from 1; 0 where there is no text.
    pub line: usize,
    /// The column, counted from 1; 0 where there is no text.
    pub column: usize,
    /// Where in the structure, such as `steps.train.inputs.data`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl From<host_core::pipeline::Problem> for Mistake {
    fn from(problem: host_core::pipeline::Problem) -> Self {
        let host_core::pipeline::Problem { line, column, path, message, suggestion } = problem;
        Self { line, column, path, message, suggestion }
    }
}
