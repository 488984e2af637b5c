//! Pipelines: functions as a DAG, with params, sweeps and retries. Everything here is pure.

use std::str::FromStr;

use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Name, function::FunctionRef, model::ModelRef, retry::Retry, size::Millis};

mod check;
mod condition;
mod graph;
mod input;
mod later;
mod links;
mod params;
mod problem;
mod progress;
mod read;
mod reader;
mod selector;
mod sweep;
mod template;
mod tracked;
mod trigger;
mod woken;
mod yaml;

pub use check::{Catalogue, Known};
pub use condition::{Clause, Condition, InvalidCondition, Op, Operand};
pub use graph::Arrow;
pub use input::{Input, InputSource, InvalidOutputRef, OutputRef};
pub use later::{Attempts, NOTIFY_STEP, Notify, REQUEST_BODY, REQUEST_STEP, RESPONSE, Request};
pub use params::{ParamSpec, ParamType, bind_params};
pub use problem::{MAX_PROBLEMS, Place, Places, Problem};
pub use progress::{Change, InvalidState, Progress, Reset, Standing, StepProgress, StepState, TrialProgress, Work};
pub use read::{MAX_STEPS, Parsed};
pub use selector::{Goal, InvalidSelector, Selector, Trial};
pub use sweep::{DEFAULT_PARALLEL, Draw, MAX_TRIALS, Random, Space, Sweep};
pub use template::{InvalidSubject, Scope, Subject, Unresolved, has_placeholder, render, render_map, render_text};
pub use tracked::{TRACKED_STEP, Tracked};
pub use trigger::{MAX_TRIGGERS, PipelineTrigger};
pub use woken::{EVENT_DATA, EVENT_INPUT, EVENT_OUTPUTS, EVENT_STEP, KeptEvent, MOST_INLINE, Woken};
pub use yaml::{MAX_BYTES, MAX_DEPTH, MAX_NODES};

/// The JSON Schema of a pipeline's YAML, for editors.
pub const SCHEMA: &str = include_str!("../../../sdk/pipeline.schema.json");

/// A DAG of steps. As JSON it is stored with every run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    /// The pipeline's name.
    pub name: Name,
    /// One sentence on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What can be chosen at submission.
    #[serde(default)]
    pub params: IndexMap<String, ParamSpec>,
    /// What starts it by itself, once it is kept in a project; no run has any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<PipelineTrigger>,
    /// The steps by name, in the order of the text.
    pub steps: IndexMap<String, Step>,
}

/// A node of the DAG.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What it does.
    pub action: Action,
    /// One sentence on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it reads, by the name under `/in`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub inputs: IndexMap<String, Input>,
    /// Steps it waits for although it uses nothing of theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Whether it is tried again.
    #[serde(default)]
    pub retry: Retry,
    /// How long one attempt may take; the function's own limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Millis>,
    /// Whether equal work done before may be taken instead; the function decides when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<bool>,
    /// Many trials instead of one execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// When it is executed at all; skipped otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Runs a job.
    Function(FunctionAction),
    /// Makes an output a version of a model.
    RegisterModel(RegisterModel),
    /// Moves an alias to a version.
    PromoteModel(PromoteModel),
    /// Puts a model or a function into service.
    Deploy(Deploy),
    /// Calls what is in service, and measures.
    Call(Call),
    /// Makes a request that was kept. No pipeline's text can say so.
    Request(Request),
    /// Tells somebody of the end of such a request.
    Notify(Notify),
    /// Hands an event to a function. No pipeline's text can say so.
    Event(Woken),
    /// Was done outside of any host, and told afterwards. No pipeline's text can say so.
    Tracked(Tracked),
}

/// A job to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionAction {
    /// Which function.
    pub function: FunctionRef,
    /// Its params; texts may hold placeholders.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Value>,
    /// Which of its outputs are needed; all that its manifest declares, when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
}

/// An output to make a version of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterModel {
    /// The model.
    pub model: Name,
    /// The bytes.
    pub from: OutputRef,
    /// The step whose results become the version's metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<String>,
    /// An alias to move to the new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<Name>,
    /// Free text; may hold placeholders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// An alias to move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromoteModel {
    /// The model.
    pub model: Name,
    /// The version it moves to.
    pub version: VersionRef,
    /// The alias.
    pub alias: Name,
}

/// Which version of a model is promoted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum VersionRef {
    /// A version by number.
    Number(u64),
    /// The one that a `register-model` step made.
    Step(String),
}

/// What is put into service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Deploy {
    /// An endpoint that serves a model.
    Endpoint {
        /// The endpoint.
        endpoint: Name,
        /// The model.
        model: ModelRef,
    },
    /// A revision of a function, made the active one.
    Function {
        /// The function.
        function: FunctionRef,
    },
}

/// What is called, with what, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// What is called.
    #[serde(flatten)]
    pub target: CallTarget,
    /// What it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<CallPayload>,
    /// How often.
    pub requests: u32,
    /// How many at a time.
    pub parallel: u32,
}

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallTarget {
    /// An endpoint, by the inference protocol.
    Endpoint(Name),
    /// A function, over HTTP.
    Function(FunctionRef),
}

/// What a call is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallPayload {
    /// This JSON; texts may hold placeholders.
    Input(Value),
    /// Rows of a dataset that a step made.
    Sample(OutputRef),
}

impl Action {
    /// The key it is written under.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Function(_) => "function",
            Self::RegisterModel(_) => "register-model",
            Self::PromoteModel(_) => "promote-model",
            Self::Deploy(_) => "deploy",
            Self::Call(_) => "call",
            Self::Request(_) => "request",
            Self::Notify(_) => "notify",
            Self::Event(_) => "event",
            Self::Tracked(_) => "tracked",
        }
    }

    /// The job it runs, if it runs one.
    #[must_use]
    pub fn function(&self) -> Option<&FunctionAction> {
        if let Self::Function(action) = self { Some(action) } else { None }
    }

    /// Every function it speaks of, whether it runs it as a job or not.
    #[must_use]
    pub fn function_ref(&self) -> Option<&FunctionRef> {
        match self {
            Self::Function(action) => Some(&action.function),
            Self::Deploy(Deploy::Function { function }) => Some(function),
            Self::Call(Call { target: CallTarget::Function(function), .. })
            | Self::Request(Request { function, .. })
            | Self::Notify(Notify { function, .. })
            | Self::Event(Woken { function, .. }) => Some(function),
            _ => None,
        }
    }
}

impl Step {
    /// A step that only does this.
    #[must_use]
    pub fn new(action: Action) -> Self {
        Self {
            action,
            description: None,
            inputs: IndexMap::new(),
            needs: Vec::new(),
            retry: Retry::default(),
            timeout: None,
            cache: None,
            sweep: None,
            when: None,
        }
    }

    /// Whether it has outputs that other steps can read.
    #[must_use]
    pub fn has_outputs(&self) -> bool {
        self.action.function().is_some() && self.sweep.as_ref().is_none_or(|sweep| sweep.select.is_some())
    }
}

impl Pipeline {
    /// A single job as a pipeline of one step, named after the function. Its params hold no placeholders: `${` is text.
    #[must_use]
    pub fn of_job(function: FunctionRef, params: Map<String, Value>, inputs: IndexMap<String, Input>) -> Self {
        let name = function.name.clone();
        let params = params.into_iter().map(|(name, value)| (name, template::escaped(value))).collect();
        let action = FunctionAction { function, params, outputs: Vec::new() };
        let step = Step { inputs, ..Step::new(Action::Function(action)) };
        Self {
            description: None,
            params: IndexMap::new(),
            triggers: Vec::new(),
            steps: IndexMap::from_iter([(name.to_string(), step)]),
            name,
        }
    }

    /// Every function it speaks of, each once.
    #[must_use]
    pub fn functions(&self) -> Vec<FunctionRef> {
        let all: IndexSet<_> = self.steps.values().filter_map(|step| step.action.function_ref()).cloned().collect();
        all.into_iter().collect()
    }

    /// Every model it speaks of, each once, as far as params say which; what only results can tell is left out.
    #[must_use]
    pub fn models(&self, params: &Map<String, Value>) -> Vec<ModelRef> {
        let scope = Scope { params, results: IndexMap::new() };
        let served = self.steps.values().filter_map(|step| match &step.action {
            Action::Deploy(Deploy::Endpoint { model, .. }) => Some(model.clone()),
            _ => None,
        });
        let read = self.steps.values().flat_map(|step| step.inputs.values()).filter_map(|input| match input {
            Input::Model(text) => render_text(text, &scope).ok()?.parse().ok(),
            _ => None,
        });
        let all: IndexSet<_> = served.chain(read).collect();
        all.into_iter().collect()
    }

    /// Reads a pipeline from YAML.
    ///
    /// # Errors
    /// Every mistake that can be found without knowing the functions, each with its place.
    pub fn parse(yaml: &str) -> Result<Self, Vec<Problem>> {
        Parsed::read(yaml, None).map(|parsed| parsed.pipeline)
    }

    /// Reads a pipeline from YAML and checks it against the functions there are.
    ///
    /// # Errors
    /// Every mistake, each with its place.
    pub fn parse_against(yaml: &str, catalogue: &dyn Catalogue) -> Result<Self, Vec<Problem>> {
        Parsed::read(yaml, Some(catalogue)).map(|parsed| parsed.pipeline)
    }
}

impl FromStr for Pipeline {
    type Err = Invalid;

    fn from_str(yaml: &str) -> Result<Self, Self::Err> {
        Self::parse(yaml).map_err(Invalid)
    }
}

/// Everything that is wrong with a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} wrong with the pipeline:{}", count(.0.len()), .0.iter().map(|it| format!("\n  {it}")).collect::<String>())]
pub struct Invalid(pub Vec<Problem>);

fn count(things: usize) -> String {
    if things == 1 { "one thing is".to_owned() } else { format!("{things} things are") }
}

#[cfg(test)]
mod tests;
