//! Steps of a run, and the trials of a sweep.

use host_core::{Digest, RevisionId, RunId, pipeline, run};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{artifact::Kind, call::Usage, failure::Failure, version::VersionId};

/// What a step did, or a trial of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// The step.
    pub step: String,
    /// Which trial of its sweep, counted from 0; absent for the step itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<u32>,
    /// Where it stands.
    pub state: StepState,
    /// How often it was tried.
    pub attempt: u32,
    /// The parameters it ran with.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// Its inputs.
    pub inputs: Vec<Input>,
    /// Its outputs.
    pub outputs: Vec<Output>,
    /// Its results; metrics stand here by their last value.
    #[schema(value_type = Object)]
    pub results: Map<String, Value>,
    /// How far it says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What made it fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The code that ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<PinnedFunction>,
    /// What equal work would be found by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub cache_key: Option<Digest>,
    /// The run whose work was taken instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub cached_from: Option<RunId>,
    /// What it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The model versions that computed something for it.
    pub models: Vec<VersionId>,
    /// When it may start, after a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<jiff::Timestamp>,
    /// When it started, this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<jiff::Timestamp>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<jiff::Timestamp>,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Something it needs is not done yet.
    Waiting,
    /// It may start.
    Ready,
    /// It is being executed.
    Running,
    /// It is done.
    Done,
    /// It failed for good.
    Failed,
    /// It is not to be executed.
    Skipped,
    /// It was stopped.
    Cancelled,
}

/// An input as it went into a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its bytes.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// What it is for.
    pub kind: Kind,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Where it came from.
    pub from: String,
}

/// An output as it came out of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its bytes.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
    /// What it is for.
    pub kind: Kind,
    /// Its media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What the function said of it.
    #[schema(value_type = Object)]
    pub metadata: Value,
}

/// How far a step says it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// From 0 to 1.
    pub fraction: f64,
    /// What it is doing.
    pub message: String,
}

/// A function as it was when the run was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PinnedFunction {
    /// The revision.
    #[schema(value_type = String)]
    pub revision: RevisionId,
    /// Its number.
    pub number: u64,
    /// Its component.
    #[schema(value_type = String)]
    pub component: Digest,
}

impl From<pipeline::StepState> for StepState {
    fn from(state: pipeline::StepState) -> Self {
        match state {
            pipeline::StepState::Waiting => Self::Waiting,
            pipeline::StepState::Ready => Self::Ready,
            pipeline::StepState::Running => Self::Running,
            pipeline::StepState::Done => Self::Done,
            pipeline::StepState::Failed => Self::Failed,
            pipeline::StepState::Skipped => Self::Skipped,
            pipeline::StepState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<run::StepInput> for Input {
    fn from(input: run::StepInput) -> Self {
        let run::StepInput { name, digest, kind, media_type, from } = input;
        Self { name, digest, kind: kind.into(), media_type, from }
    }
}

impl From<run::StepOutput> for Output {
    fn from(output: run::StepOutput) -> Self {
        let run::StepOutput { name, digest, size, kind, media_type, metadata } = output;
        Self { name, digest, size, kind: kind.into(), media_type, metadata }
    }
}

impl From<run::Progress> for Progress {
    fn from(progress: run::Progress) -> Self {
        Self { fraction: progress.fraction, message: progress.message }
    }
}

impl From<run::PinnedFunction> for PinnedFunction {
    fn from(pinned: run::PinnedFunction) -> Self {
        Self { revision: pinned.revision, number: pinned.number, component: pinned.component }
    }
}

impl From<run::StepRecord> for Step {
    fn from(record: run::StepRecord) -> Self {
        Self {
            step: record.key.step,
            trial: record.key.trial,
            state: record.state.into(),
            attempt: record.attempt,
            params: record.params,
            inputs: record.inputs.into_iter().map(Input::from).collect(),
            outputs: record.outputs.into_iter().map(Output::from).collect(),
            results: record.results,
            progress: record.progress.map(Progress::from),
            failure: record.failure.map(Failure::from),
            function: record.function.map(PinnedFunction::from),
            cache_key: record.cache_key,
            cached_from: record.cached_from,
            usage: record.usage.map(Usage::from),
            models: record.models.into_iter().map(VersionId::from).collect(),
            not_before: record.not_before,
            started_at: record.started_at,
            finished_at: record.finished_at,
        }
    }
}
