//! Runs that happened outside of any host, as whoever tracked them tells of them.

use std::collections::BTreeMap;

use host_core::{Digest, Name, RunId, event, pipeline, run};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    artifact::Kind,
    run::{Code, RunState},
};

/// The most values of metrics that one run brings.
pub const MOST_METRICS: usize = 20_000;

/// A run that is over and happened elsewhere, complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRun {
    /// The run's identity, a UUID chosen by whoever tracked it; importing the same again changes nothing.
    #[schema(value_type = String)]
    pub id: RunId,
    /// What it is called.
    #[schema(value_type = String)]
    pub name: Name,
    /// How it ended: `done`, `failed` or `cancelled`.
    pub state: RunState,
    /// What made it fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<ImportedFailure>,
    /// Its parameters.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// What it read.
    #[serde(default)]
    pub inputs: Vec<ImportedInput>,
    /// What it made. The bytes must have been uploaded to the project before.
    #[serde(default)]
    pub outputs: Vec<ImportedOutput>,
    /// Its results.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub results: Map<String, Value>,
    /// Every value of every metric.
    #[serde(default)]
    pub metrics: Vec<ImportedMetric>,
    /// Labels to search by.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What all its randomness derived from, where it says so.
    #[serde(default)]
    pub seed: u64,
    /// Where its code came from.
    #[serde(default)]
    pub code: Code,
    /// The program.
    #[serde(default)]
    pub program: Program,
    /// When it began.
    pub started_at: jiff::Timestamp,
    /// When it was over.
    pub finished_at: jiff::Timestamp,
}

/// A program that ran outside, as it describes itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Program {
    /// What ran it, such as `CPython 3.12.4`.
    pub runtime: String,
    /// The machine's architecture.
    pub arch: String,
    /// The bytes of its main file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub digest: Option<Digest>,
    /// The versions of the packages it could use.
    pub packages: BTreeMap<String, String>,
}

/// What made a run fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedFailure {
    /// A short code, such as the exception's name.
    pub code: String,
    /// What happened, for people.
    pub message: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtrace: Option<String>,
}

/// Something that a run read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedInput {
    /// Its name.
    pub name: String,
    /// Its bytes, which need not be on the host.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// What it is for.
    #[serde(default)]
    pub kind: Kind,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Where it came from, such as the name of a file.
    #[serde(default)]
    pub from: String,
}

/// Something that a run made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedOutput {
    /// Its name.
    pub name: String,
    /// Its bytes, which were uploaded before.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// What it is for.
    #[serde(default)]
    pub kind: Kind,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What the program said of it.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
}

/// One value of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedMetric {
    /// The metric.
    pub name: String,
    /// The value; `"NaN"`, `"Infinity"` and `"-Infinity"` are text.
    #[serde(with = "run::float")]
    pub value: f64,
    /// The program's own step, such as an epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_step: Option<i64>,
    /// When it was logged.
    pub at: jiff::Timestamp,
}

impl From<ImportedFailure> for event::Failure {
    fn from(failure: ImportedFailure) -> Self {
        let ImportedFailure { code, message, backtrace } = failure;
        Self { backtrace, ..Self::fatal(&code, message) }
    }
}

impl From<ImportedInput> for run::StepInput {
    fn from(input: ImportedInput) -> Self {
        let ImportedInput { name, digest, kind, media_type, from } = input;
        Self { name, digest, kind: kind.into(), media_type, from }
    }
}

impl ImportedOutput {
    /// The output, once it is known how many bytes it has.
    #[must_use]
    pub fn sized(self, size: u64) -> run::StepOutput {
        let Self { name, digest, kind, media_type, metadata } = self;
        run::StepOutput { name, digest, size, kind: kind.into(), media_type, metadata: Value::Object(metadata) }
    }
}

impl ImportedMetric {
    /// The value as one of the only step of `run`.
    #[must_use]
    pub fn of(self, run: RunId) -> run::MetricPoint {
        let Self { name, value, at_step, at } = self;
        let key = run::StepKey { run, step: pipeline::TRACKED_STEP.to_owned(), trial: None };
        run::MetricPoint { key, name, value, at_step, at }
    }
}

impl Program {
    /// What computed, in the place of a host.
    #[must_use]
    pub fn platform(&self) -> run::Platform {
        let (engine, arch) = (self.runtime.clone(), self.arch.clone());
        run::Platform { release: "offline".into(), engine, arch, ..run::Platform::default() }
    }
}

impl From<Program> for pipeline::Tracked {
    fn from(program: Program) -> Self {
        Self { runtime: program.runtime, code: program.digest, packages: program.packages }
    }
}
