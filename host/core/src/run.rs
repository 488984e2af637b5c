//! Runs: what was asked for, what each step did, and everything it takes to do it again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Digest, Name, RevisionId, RunId,
    artifact::Kind,
    call::Usage,
    event::Failure,
    model::VersionId,
    pipeline::{Pipeline, StepState},
};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Steps are running, or waiting for their turn.
    Running,
    /// Every step is done or was skipped on purpose.
    Done,
    /// A step failed for good.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl RunState {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_over(self) -> bool {
        self != Self::Running
    }
}

impl std::str::FromStr for RunState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Running, Self::Done, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a state: use running, done, failed or cancelled"))
    }
}

/// What a run executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// A DAG.
    Pipeline,
    /// A single job, kept as a DAG of one step.
    Job,
    /// A request to a function that is answered later, kept as a DAG.
    Request,
    /// An event that woke a function, kept as a DAG of one step.
    Event,
    /// What a program did outside of any host, told afterwards and kept as a DAG of one step.
    Tracked,
}

impl RunKind {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Job => "job",
            Self::Request => "request",
            Self::Event => "event",
            Self::Tracked => "tracked",
        }
    }
}

/// What was fixed when the run was submitted, so that nothing moves under it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pins {
    /// The revision behind each function reference of the pipeline.
    pub functions: BTreeMap<String, PinnedFunction>,
    /// The version behind each model reference that existed at the time.
    pub models: BTreeMap<String, VersionId>,
}

/// A function as it was when the run was submitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PinnedFunction {
    /// The revision.
    pub revision: RevisionId,
    /// Its number.
    pub number: u64,
    /// Its component.
    pub component: Digest,
}

/// Where the code of a submission came from, as the submitter tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The commit.
    pub commit: Option<String>,
    /// Whether the work tree differed from it.
    pub dirty: bool,
    /// The file that was submitted.
    pub file: Option<String>,
}

/// What computed: the same facts must hold for a reproduction to be comparable.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The host's release.
    pub release: String,
    /// The engine and its version.
    pub engine: String,
    /// The inference backends and their versions.
    pub inference: String,
    /// The architecture.
    pub arch: String,
    /// The CPU features that kernels are chosen by.
    pub cpu_features: String,
}

/// What somebody asks to be run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewRun {
    /// Its identity, given by whoever submits, so that submitting twice is harmless.
    pub id: RunId,
    /// The project.
    pub project: Name,
    /// Pipeline or job.
    pub kind: RunKind,
    /// The DAG, checked.
    pub pipeline: Pipeline,
    /// Its parameters, complete and of the declared types.
    pub params: Map<String, Value>,
    /// What all randomness derives from.
    pub seed: u64,
    /// The time that jobs with `time = "as-of"` see.
    pub as_of: Timestamp,
    /// What was fixed at submission.
    pub pins: Pins,
    /// On whose behalf.
    pub owner: String,
    /// Labels to search by.
    pub labels: BTreeMap<String, String>,
    /// Where the code came from.
    pub source: Source,
    /// What computes.
    pub platform: Platform,
    /// The run this one does again.
    pub reproduces: Option<RunId>,
    /// How many events of the platform led to it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub depth: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields by reference")]
fn is_zero(depth: &u8) -> bool {
    *depth == 0
}

impl NewRun {
    /// The name of the pipeline, or of the job's function.
    #[must_use]
    pub fn name(&self) -> &str {
        self.pipeline.name.as_str()
    }
}

/// One execution of a pipeline or of a single job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What was asked for.
    #[serde(flatten)]
    pub spec: NewRun,
    /// Where it stands.
    pub state: RunState,
    /// What made it fail.
    pub failure: Option<Failure>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When its first step started.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

/// Which step of which run; `trial` for one of a sweep.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepKey {
    /// The run.
    pub run: RunId,
    /// The step's name.
    pub step: String,
    /// Which trial of its sweep, counted from 0; absent for the step itself.
    pub trial: Option<u32>,
}

impl StepKey {
    /// `name`, or `name#3` for a trial.
    #[must_use]
    pub fn label(&self) -> String {
        self.trial.map_or_else(|| self.step.clone(), |trial| format!("{}#{trial}", self.step))
    }
}

/// An input as it went into a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepInput {
    /// Its name under `/in`.
    pub name: String,
    /// Its bytes.
    pub digest: Digest,
    /// What it is for.
    pub kind: Kind,
    /// Its media type.
    pub media_type: Option<String>,
    /// Where it came from: `step.output`, an artifact, a URL or a model version.
    pub from: String,
}

/// An output as it came out of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepOutput {
    /// Its name under `/out`.
    pub name: String,
    /// Its bytes.
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
    /// What it is for.
    pub kind: Kind,
    /// Its media type.
    pub media_type: Option<String>,
    /// What the function said of it.
    pub metadata: Value,
}

/// What a step did, or a trial of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Which.
    #[serde(flatten)]
    pub key: StepKey,
    /// Where it stands.
    pub state: StepState,
    /// How often it was claimed; also the fence that stale writers meet.
    pub attempt: u32,
    /// The parameters it ran with; of a trial also those of the sweep.
    pub params: Map<String, Value>,
    /// Its inputs.
    pub inputs: Vec<StepInput>,
    /// Its outputs.
    pub outputs: Vec<StepOutput>,
    /// Its results; metrics stand here by their last value.
    pub results: Map<String, Value>,
    /// How far it says it is, from 0 to 1, and what it is doing.
    pub progress: Option<Progress>,
    /// What made it fail.
    pub failure: Option<Failure>,
    /// The code that ran.
    pub function: Option<PinnedFunction>,
    /// What equal work would be found by.
    pub cache_key: Option<Digest>,
    /// The run whose work was taken instead.
    pub cached_from: Option<RunId>,
    /// What it used.
    pub usage: Option<Usage>,
    /// The model versions that computed something for it.
    pub models: Vec<VersionId>,
    /// When it may start, after a failure.
    pub not_before: Option<Timestamp>,
    /// When it started, this attempt.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
}

/// How far a step says it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// From 0 to 1.
    pub fraction: f64,
    /// What it is doing.
    pub message: String,
}

/// One value of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    /// Which step or trial.
    #[serde(flatten)]
    pub key: StepKey,
    /// The metric.
    pub name: String,
    /// The value; NaN and the infinities are kept, as text in JSON.
    #[serde(with = "float")]
    pub value: f64,
    /// The function's own step, such as an epoch.
    pub at_step: Option<i64>,
    /// When it was logged.
    pub at: Timestamp,
}

/// How a step ended, as its executor tells the journal.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// It is done.
    Done(Box<StepResult>),
    /// It failed; with a delay it may be tried again after it.
    Failed {
        /// What happened.
        failure: Failure,
        /// Wait this long, then try again; absent when it failed for good.
        retry_after_ms: Option<u64>,
        /// What it was given, as far as that was known.
        result: Box<StepResult>,
    },
    /// Nobody had room for it: it is tried again after this wait, and this was no attempt.
    Waits {
        /// What it waits for.
        failure: Failure,
        /// For so long.
        after_ms: u64,
        /// What it was given, as far as that was known.
        result: Box<StepResult>,
    },
    /// It was stopped.
    Cancelled,
}

/// What a step leaves behind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepResult {
    /// The parameters it ran with.
    pub params: Map<String, Value>,
    /// Its inputs.
    pub inputs: Vec<StepInput>,
    /// Its outputs.
    pub outputs: Vec<StepOutput>,
    /// Its results.
    pub results: Map<String, Value>,
    /// The code that ran.
    pub function: Option<PinnedFunction>,
    /// What equal work would be found by.
    pub cache_key: Option<Digest>,
    /// The run whose work was taken instead.
    pub cached_from: Option<RunId>,
    /// What it used.
    pub usage: Option<Usage>,
    /// The model versions that computed something for it.
    pub models: Vec<VersionId>,
}

/// A run that happened outside of any host, complete.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackedRun {
    /// What it was, as for any other run; its only step is [`crate::pipeline::TRACKED_STEP`].
    pub spec: NewRun,
    /// How it ended.
    pub state: RunState,
    /// What made it fail.
    pub failure: Option<Failure>,
    /// Its inputs. Their bytes need not be on any host.
    pub inputs: Vec<StepInput>,
    /// Its outputs, whose bytes are stored.
    pub outputs: Vec<StepOutput>,
    /// Its results.
    pub results: Map<String, Value>,
    /// Its metrics.
    pub metrics: Vec<MetricPoint>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was over.
    pub finished_at: Timestamp,
}

/// Floats in JSON, with `"NaN"`, `"Infinity"` and `"-Infinity"` as text.
pub mod float {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes a float.
    ///
    /// # Errors
    /// When the serializer fails.
    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            serializer.serialize_f64(*value)
        } else if value.is_nan() {
            serializer.serialize_str("NaN")
        } else if *value > 0.0 {
            serializer.serialize_str("Infinity")
        } else {
            serializer.serialize_str("-Infinity")
        }
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(f64),
        Text(String),
    }

    /// Reads a float.
    ///
    /// # Errors
    /// When it is neither a number nor one of the three words.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Either::deserialize(deserializer)? {
            Either::Number(number) => Ok(number),
            Either::Text(text) => match text.as_str() {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                other => Err(D::Error::custom(format!("`{other}` is not a number"))),
            },
        }
    }
}
