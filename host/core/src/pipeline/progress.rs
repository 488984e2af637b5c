//! The run of a pipeline as a pure state machine: no clock, no task, no storage.

use std::{fmt, str::FromStr, sync::Arc};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Action, Input, InputSource, OutputRef, Pipeline, Scope, Step, Subject, Unresolved, template};
use crate::{
    Digest,
    run::{NewRun, RunState, StepKey, StepOutput},
};

mod again;
mod standing;
mod sweep;

pub use again::Reset;
pub use standing::Standing;

/// Where a step or a trial stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Something it needs is not done yet.
    #[default]
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

/// A text that is no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a state: use waiting, ready, running, done, failed, skipped or cancelled")]
pub struct InvalidState(pub String);

impl StepState {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Waiting, Self::Ready, Self::Running, Self::Done, Self::Failed, Self::Skipped, Self::Cancelled];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Skipped | Self::Cancelled)
    }

    /// Whether it takes up a place among those that run side by side.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Ready | Self::Running)
    }
}

impl fmt::Display for StepState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for StepState {
    type Err = InvalidState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| InvalidState(text.to_owned()))
    }
}

/// Where a step stands and what it has given; what may be large is shared by all copies.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepProgress {
    /// Its state.
    pub state: StepState,
    /// Its results; of a sweep, those of the best trial.
    pub results: Arc<Map<String, Value>>,
    /// Its outputs; of a sweep, those of the best trial.
    pub outputs: Arc<Vec<StepOutput>>,
    /// The trials of its sweep, once it is open.
    pub trials: Arc<Vec<TrialProgress>>,
}

/// Where a trial stands and what it has given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrialProgress {
    /// Its state.
    pub state: StepState,
    /// The params that make it this trial.
    pub params: Arc<Map<String, Value>>,
    /// Its results.
    pub results: Arc<Map<String, Value>>,
    /// Its outputs.
    pub outputs: Arc<Vec<StepOutput>>,
}

/// What has to be written down, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A sweep begins: its step is running and these are the params of its trials, all of them waiting.
    Opened {
        /// The step.
        step: String,
        /// What makes each trial.
        trials: Vec<Map<String, Value>>,
    },
    /// A step or a trial may start.
    Ready {
        /// The step.
        step: String,
        /// Which trial, counted from 0; absent for the step itself.
        trial: Option<u32>,
        /// With what.
        work: Work,
    },
    /// A trial is over without its executor saying so.
    Stopped {
        /// The step.
        step: String,
        /// Which trial.
        trial: u32,
        /// Failed, skipped or cancelled.
        state: StepState,
        /// Why.
        reason: String,
    },
    /// A step is over without its executor saying so: it was skipped or stopped, or its sweep has come to an end.
    Settled {
        /// The step.
        step: String,
        /// Done, failed, skipped or cancelled.
        state: StepState,
        /// Why, unless it is done.
        reason: Option<String>,
        /// The trial whose results and outputs are now those of the step.
        best: Option<u32>,
        /// The trials whose outputs are kept, best first.
        kept: Vec<u32>,
    },
    /// The run is over.
    Finished(RunState),
}

/// What a step or a trial is given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Work {
    /// The params, every placeholder filled in; those with defaults in the function's manifest may be absent.
    pub params: Map<String, Value>,
    /// Where each input comes from.
    pub inputs: IndexMap<String, InputSource>,
}

/// A run of a pipeline. What happened goes in, what follows comes out.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress<'a> {
    pipeline: &'a Pipeline,
    params: &'a Map<String, Value>,
    seed: u64,
    standing: Standing,
    is_cancelled: bool,
    is_over: bool,
}

impl<'a> Progress<'a> {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new(pipeline: &'a Pipeline, params: &'a Map<String, Value>, seed: u64) -> Self {
        Self::resume(pipeline, params, seed, IndexMap::new())
    }

    /// A run that has come this far; steps that are not named wait.
    #[must_use]
    pub fn resume(
        pipeline: &'a Pipeline,
        params: &'a Map<String, Value>,
        seed: u64,
        so_far: IndexMap<String, StepProgress>,
    ) -> Self {
        let standing = Standing::of(pipeline, so_far);
        Self { pipeline, params, seed, standing, is_cancelled: false, is_over: false }
    }

    /// A run as the journal holds it: every step and trial, in any order.
    #[must_use]
    pub fn joined(run: &'a NewRun, all: impl IntoIterator<Item = (StepKey, TrialProgress)>) -> Self {
        Self::resume(&run.pipeline, &run.params, run.seed, standing::joined(all))
    }

    /// A run that stands where somebody left it, who had it from this same run.
    #[must_use]
    pub fn go_on(run: &'a NewRun, standing: Standing) -> Self {
        let NewRun { pipeline, params, seed, .. } = run;
        Self { pipeline, params, seed: *seed, standing, is_cancelled: false, is_over: false }
    }

    /// Where it stands, to go on from later.
    #[must_use]
    pub fn into_standing(self) -> Standing {
        self.standing
    }

    /// Every step, in the order of the pipeline.
    #[must_use]
    pub fn steps(&self) -> &IndexMap<String, StepProgress> {
        &self.standing.steps
    }

    /// Whether a step is a sweep, which its trials execute.
    #[must_use]
    pub fn is_sweep(&self, step: &str) -> bool {
        self.pipeline.steps.get(step).is_some_and(|it| it.sweep.is_some())
    }

    /// What placeholders and conditions can speak of by now.
    #[must_use]
    pub fn scope(&self) -> Scope<'_> {
        let done = self.steps().iter().filter(|(_, step)| step.state == StepState::Done);
        Scope { params: self.params, results: done.map(|(name, step)| (name.as_str(), &*step.results)).collect() }
    }

    /// An output of a step that is done.
    #[must_use]
    pub fn made(&self, reference: &OutputRef) -> Option<&StepOutput> {
        let step = self.steps().get(&reference.step).filter(|step| step.state == StepState::Done)?;
        step.outputs.iter().find(|it| it.name == reference.output)
    }

    /// The bytes behind an output of a step that is done.
    #[must_use]
    pub fn output(&self, reference: &OutputRef) -> Option<Digest> {
        self.made(reference).map(|it| it.digest)
    }

    /// What a step or a trial is given.
    ///
    /// # Errors
    /// When a placeholder has no value, or an output that it reads was left out.
    pub fn work(&self, step: &str, trial: Option<u32>) -> Result<Work, Unresolved> {
        let declared = self.pipeline.steps.get(step).ok_or_else(|| Unresolved(format!("there is no step `{step}`")))?;
        let scope = self.scope();
        let mut params = declared.action.function().map(|action| action.params.clone()).unwrap_or_default();
        if let Some(trial) = trial.and_then(|trial| self.trial(step, trial)) {
            params.extend(trial.params.as_ref().clone());
        }
        let resolve = |input: &Input| input.resolve(&scope, |reference| self.output(reference));
        let inputs = declared.inputs.iter().map(|(name, input)| Ok((name.clone(), resolve(input)?)));
        Ok(Work { params: template::render_map(&params, &scope)?, inputs: inputs.collect::<Result<_, _>>()? })
    }

    fn trial(&self, step: &str, trial: u32) -> Option<&TrialProgress> {
        self.steps().get(step)?.trials.get(usize::try_from(trial).ok()?)
    }

    /// A step or a trial is being executed.
    pub fn start(&mut self, step: &str, trial: Option<u32>) {
        if let Some(state) = self.state_mut(step, trial).filter(|state| **state == StepState::Ready) {
            *state = StepState::Running;
        }
    }

    /// A step or a trial is over, as its executor says. Of one that is over already nothing more is heard.
    pub fn settle(
        &mut self,
        step: &str,
        trial: Option<u32>,
        state: StepState,
        results: Map<String, Value>,
        outputs: Vec<StepOutput>,
    ) {
        debug_assert!(state.is_over(), "a settled step is over");
        let Some(current) = self.state_mut(step, trial).filter(|state| state.is_active()) else { return };
        *current = state;
        let Some(step) = self.standing.steps.get_mut(step) else { return };
        let (results, outputs) = (Arc::new(results), Arc::new(outputs));
        match trial.map(usize::try_from) {
            None => (step.results, step.outputs) = (results, outputs),
            Some(Ok(at)) => {
                if let Some(trial) = Arc::make_mut(&mut step.trials).get_mut(at) {
                    (trial.results, trial.outputs) = (results, outputs);
                }
            }
            Some(Err(_)) => {}
        }
    }

    /// Somebody wants it stopped: nothing more starts.
    pub fn cancel(&mut self) {
        self.is_cancelled = true;
    }

    fn state_mut(&mut self, step: &str, trial: Option<u32>) -> Option<&mut StepState> {
        let step = self.standing.steps.get_mut(step)?;
        match trial {
            None => Some(&mut step.state),
            Some(trial) => {
                let trials = Arc::make_mut(&mut step.trials);
                trials.get_mut(usize::try_from(trial).ok()?).map(|trial| &mut trial.state)
            }
        }
    }

    /// Everything that follows from what is known, applied already. Asking again gives nothing new.
    pub fn advance(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.is_over {
            return changes;
        }
        let pipeline = self.pipeline;
        // A step is settled after everything it waits for, so a pass per level would do; most take two.
        loop {
            let before = changes.len();
            for (name, step) in &pipeline.steps {
                self.advance_step(name, step, &mut changes);
            }
            if changes.len() == before {
                break;
            }
        }
        if self.steps().values().all(|step| step.state.is_over()) {
            self.is_over = true;
            changes.push(Change::Finished(self.end()));
        }
        changes
    }

    fn end(&self) -> RunState {
        let any = |state| self.steps().values().any(|step| step.state == state);
        if any(StepState::Cancelled) {
            RunState::Cancelled
        } else if any(StepState::Failed) {
            RunState::Failed
        } else {
            RunState::Done
        }
    }

    fn advance_step(&mut self, name: &str, step: &Step, changes: &mut Vec<Change>) {
        let Some(state) = self.steps().get(name).map(|it| it.state) else { return };
        match state {
            StepState::Waiting | StepState::Ready if self.is_cancelled => {
                self.end_step(name, StepState::Cancelled, "the run was cancelled".into(), changes);
            }
            StepState::Waiting => self.advance_waiting(name, step, changes),
            StepState::Running if step.sweep.is_some() => self.advance_sweep(name, step, changes),
            _ => {}
        }
    }

    fn advance_waiting(&mut self, name: &str, step: &Step, changes: &mut Vec<Change>) {
        let waits = self.standing.waits(name);
        let states: Vec<_> = waits.map(|(upstream, it)| (upstream, it.state)).collect();
        // Whoever wants to know of the end wants to know of a bad one, too.
        let tells = matches!(step.action, Action::Notify(_));
        let lost = states.iter().find(|(_, state)| state.is_over() && *state != StepState::Done && !tells);
        if let Some((upstream, state)) = lost {
            let reason = match state {
                StepState::Skipped => format!("step `{upstream}` was skipped"),
                StepState::Cancelled => format!("step `{upstream}` was cancelled"),
                _ => format!("step `{upstream}` failed"),
            };
            return self.end_step(name, StepState::Skipped, reason, changes);
        }
        if !states.iter().all(|(_, state)| *state == StepState::Done || (tells && state.is_over())) {
            return;
        }
        match self.is_wanted(step) {
            Ok(true) => self.open(name, step, changes),
            Ok(false) => {
                let condition = step.when.as_ref().map(ToString::to_string).unwrap_or_default();
                self.end_step(name, StepState::Skipped, format!("its condition does not hold: {condition}"), changes);
            }
            Err(error) => self.end_step(name, StepState::Failed, error.to_string(), changes),
        }
    }

    fn is_wanted(&self, step: &Step) -> Result<bool, Unresolved> {
        let Some(condition) = &step.when else { return Ok(true) };
        let scope = self.scope();
        condition.holds(|path| match Subject::parse_short(path) {
            Ok(subject) => subject.value(&scope),
            Err(error) => Err(Unresolved(error.to_string())),
        })
    }

    /// Everything it waits for is done.
    fn open(&mut self, name: &str, step: &Step, changes: &mut Vec<Change>) {
        if let Some(sweep) = &step.sweep {
            return self.open_sweep(name, sweep, changes);
        }
        match self.work(name, None) {
            Ok(work) => {
                self.set(name, StepState::Ready);
                changes.push(Change::Ready { step: name.to_owned(), trial: None, work });
            }
            Err(error) => self.end_step(name, StepState::Failed, error.to_string(), changes),
        }
    }

    fn set(&mut self, name: &str, state: StepState) {
        if let Some(step) = self.standing.steps.get_mut(name) {
            step.state = state;
        }
    }

    fn end_step(&mut self, name: &str, state: StepState, reason: String, changes: &mut Vec<Change>) {
        self.set(name, state);
        changes.push(Change::Settled {
            step: name.to_owned(),
            state,
            reason: Some(reason),
            best: None,
            kept: Vec::new(),
        });
    }
}

#[cfg(test)]
mod tests;
