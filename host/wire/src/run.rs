//! Runs of pipelines and jobs.

use std::collections::BTreeMap;

use host_core::{Digest, Name, RunId, function::FunctionRef, pipeline::Action, run};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    failure::Failure,
    metric::Metric,
    step::{PinnedFunction, Step},
    version::VersionId,
};

/// What is to be run: a pipeline, or a function with inputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Submit {
    /// The run's identity, a UUID chosen by the client; submitting the same again changes nothing.
    #[schema(value_type = Option<String>)]
    pub id: Option<RunId>,
    /// The YAML of a pipeline.
    pub pipeline: Option<String>,
    /// A pipeline that is kept in the project instead, by its name.
    #[schema(value_type = Option<String>)]
    pub standing: Option<Name>,
    /// A job instead: `name` or `name@revision`.
    #[schema(value_type = Option<String>)]
    pub function: Option<FunctionRef>,
    /// The job's inputs by name.
    pub inputs: IndexMap<String, Source>,
    /// Parameters.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// What all randomness derives from.
    pub seed: u64,
    /// The time that jobs with `time = "as-of"` see; now, when absent.
    pub as_of: Option<jiff::Timestamp>,
    /// Labels to search by.
    pub labels: BTreeMap<String, String>,
    /// Where the code came from.
    pub code: Code,
}

/// Where an input of a job comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An artifact by its digest.
    Artifact(String),
    /// An address that the host fetches once.
    Url(String),
    /// A version in the model registry.
    Model(String),
}

/// Where the code of a submission came from, as the submitter tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Code {
    /// The commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Whether the work tree differed from it.
    pub dirty: bool,
    /// The file that was submitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// One execution of a pipeline or of a single job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    /// Its identity.
    #[schema(value_type = String)]
    pub id: RunId,
    /// The project.
    #[schema(value_type = String)]
    pub project: Name,
    /// What it executes.
    pub kind: RunKind,
    /// The pipeline's name, or the function's.
    pub name: String,
    /// Where it stands.
    pub state: RunState,
    /// What made it fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Its parameters.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// What all randomness derived from.
    pub seed: u64,
    /// The time that jobs with `time = "as-of"` saw.
    pub as_of: jiff::Timestamp,
    /// On whose behalf.
    pub owner: String,
    /// Labels to search by.
    pub labels: BTreeMap<String, String>,
    /// Where the code came from.
    pub code: Code,
    /// The run this one does again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub reproduces: Option<RunId>,
    /// When it was submitted.
    pub created_at: jiff::Timestamp,
    /// When its first step started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<jiff::Timestamp>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<jiff::Timestamp>,
}

/// A run with everything it takes to do it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// The DAG.
    #[schema(value_type = Object)]
    pub pipeline: Value,
    /// The revision behind each function reference.
    pub functions: BTreeMap<String, PinnedFunction>,
    /// The version behind each model reference.
    pub models: BTreeMap<String, VersionId>,
    /// What computed.
    pub platform: Platform,
    /// Its steps and trials, in the pipeline's order.
    pub steps: Vec<Step>,
    /// Every value of every metric, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Vec<Metric>>,
}

/// What a run executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunKind {
    /// A DAG.
    Pipeline,
    /// A single job, kept as a DAG of one step.
    Job,
    /// A request to a function that is answered later.
    Request,
    /// An event that woke a function.
    Event,
    /// What a program did outside of any host, told afterwards.
    Tracked,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// What computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// A reproduction beside its original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// The original.
    #[schema(value_type = String)]
    pub original: RunId,
    /// The reproduction.
    #[schema(value_type = String)]
    pub reproduction: RunId,
    /// What it shows.
    pub verdict: Sameness,
    /// Why a difference would mean nothing.
    pub obstacles: Vec<String>,
    /// Every output of either.
    pub outputs: Vec<Compared>,
}

/// What a reproduction shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sameness {
    /// Every artifact has the same bytes.
    Identical,
    /// At least one artifact differs.
    Different,
    /// Something that decides the bytes is not the same, so a difference means nothing.
    NotComparable,
    /// The reproduction has not ended well, so there is nothing to compare yet.
    Unfinished,
}

/// One output of the original beside that of its reproduction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Compared {
    /// The step, `name` or `name#trial`.
    pub step: String,
    /// The output.
    pub output: String,
    /// The original's bytes.
    #[schema(value_type = Option<String>)]
    pub before: Option<Digest>,
    /// The reproduction's bytes.
    #[schema(value_type = Option<String>)]
    pub after: Option<Digest>,
    /// The first byte that differs, where both could be read.
    pub first_difference: Option<u64>,
}

impl From<run::RunKind> for RunKind {
    fn from(kind: run::RunKind) -> Self {
        match kind {
            run::RunKind::Pipeline => Self::Pipeline,
            run::RunKind::Job => Self::Job,
            run::RunKind::Request => Self::Request,
            run::RunKind::Event => Self::Event,
            run::RunKind::Tracked => Self::Tracked,
        }
    }
}

impl From<run::RunState> for RunState {
    fn from(state: run::RunState) -> Self {
        match state {
            run::RunState::Running => Self::Running,
            run::RunState::Done => Self::Done,
            run::RunState::Failed => Self::Failed,
            run::RunState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<RunState> for run::RunState {
    fn from(state: RunState) -> Self {
        match state {
            RunState::Running => Self::Running,
            RunState::Done => Self::Done,
            RunState::Failed => Self::Failed,
            RunState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Code> for run::Source {
    fn from(code: Code) -> Self {
        Self { commit: code.commit, dirty: code.dirty, file: code.file }
    }
}

impl From<run::Source> for Code {
    fn from(source: run::Source) -> Self {
        Self { commit: source.commit, dirty: source.dirty, file: source.file }
    }
}

impl From<Source> for host_core::pipeline::Input {
    fn from(source: Source) -> Self {
        match source {
            Source::Artifact(digest) => Self::Artifact(digest),
            Source::Url(url) => Self::Url(url),
            Source::Model(model) => Self::Model(model),
        }
    }
}

impl From<run::Platform> for Platform {
    fn from(platform: run::Platform) -> Self {
        let run::Platform { release, engine, inference, arch, cpu_features } = platform;
        Self { release, engine, inference, arch, cpu_features }
    }
}

/// The parameters of the run; those of a job stand in its only step.
fn params_of(spec: &run::NewRun) -> Map<String, Value> {
    let job = spec.pipeline.steps.values().next().filter(|_| spec.kind == run::RunKind::Job);
    match job.map(|step| &step.action) {
        Some(Action::Function(function)) => function.params.clone(),
        _ => spec.params.clone(),
    }
}

impl From<run::Run> for Run {
    fn from(run: run::Run) -> Self {
        Self {
            params: params_of(&run.spec),
            id: run.spec.id,
            project: run.spec.project,
            kind: run.spec.kind.into(),
            name: run.spec.pipeline.name.to_string(),
            state: run.state.into(),
            failure: run.failure.map(Failure::from),
            seed: run.spec.seed,
            as_of: run.spec.as_of,
            owner: run.spec.owner,
            labels: run.spec.labels,
            code: run.spec.source.into(),
            reproduces: run.spec.reproduces,
            created_at: run.created_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
        }
    }
}

impl RunDetail {
    /// A run with its steps, and its metrics where they were asked for.
    #[must_use]
    pub fn new(run: run::Run, steps: Vec<run::StepRecord>, metrics: Option<Vec<run::MetricPoint>>) -> Self {
        let pins = run.spec.pins.clone();
        Self {
            // A tree of plain values always serialises.
            pipeline: serde_json::to_value(&run.spec.pipeline).unwrap_or_default(),
            functions: pins.functions.into_iter().map(|(name, it)| (name, it.into())).collect(),
            models: pins.models.into_iter().map(|(name, it)| (name, it.into())).collect(),
            platform: run.spec.platform.clone().into(),
            run: run.into(),
            steps: steps.into_iter().map(Step::from).collect(),
            metrics: metrics.map(|it| it.into_iter().map(Metric::from).collect()),
        }
    }
}
