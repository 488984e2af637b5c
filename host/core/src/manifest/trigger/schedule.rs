//! The schedule trigger: when the clock wakes a function, and what is done about firings that were missed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Name, size::Millis};

/// When the clock wakes a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleTrigger {
    /// Its name among the function's triggers; `schedule`, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// A cron expression of five fields, or of six with seconds first; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    pub cron: String,
    /// The IANA time zone that it is read in.
    #[serde(default = "utc")]
    pub zone: String,
    /// What is done about firings while no host was up.
    #[serde(default)]
    pub missed: Missed,
    /// How late a firing may be and still be done.
    #[serde(default = "grace")]
    pub grace: Millis,
    /// What is done when the firing before is still at work.
    #[serde(default)]
    pub overlap: Overlap,
    /// By how much at most a firing is put off at random, so that not all fire at once.
    #[serde(default = "none")]
    pub jitter: Millis,
    /// The data of the event, in JSON.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
    /// How often a firing is tried.
    #[serde(default)]
    pub retry: super::StreamRetry,
}

/// What is done about firings that were missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// Nothing.
    Skip,
    /// The latest is done now.
    #[default]
    Last,
    /// Each is done now, a hundred at most.
    All,
}

/// What is done when the firing before is still at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub enum Overlap {
    /// Both are at work.
    Allow,
    /// The later one is left out.
    #[default]
    Forbid,
    /// The earlier one is cancelled.
    Replace,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn grace() -> Millis {
    Millis(3_600_000)
}

fn none() -> Millis {
    Millis(0)
}

impl ScheduleTrigger {
    /// What the types cannot say.
    ///
    /// # Errors
    /// When the expression or the zone is not understood, or a wait is too long.
    pub fn check(&self) -> Result<(), String> {
        if self.cron.trim().is_empty() || self.cron.len() > 200 {
            return Err("a schedule trigger needs `cron = \"0 2 * * *\"`".into());
        }
        if self.jitter.0 > 86_400_000 {
            return Err(format!("jitter is {}: it may be a day at most", self.jitter));
        }
        crate::schedule::check(&self.cron, &self.zone)?;
        self.retry.check()
    }
}
