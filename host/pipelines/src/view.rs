//! A claimed step with everything around it, as its executor sees it.

use std::sync::{Mutex, PoisonError};

use host_core::{
    model::{ModelRef, VersionId},
    pipeline::{OutputRef, Progress, Scope, Step, Unresolved, Work},
    ports::{Claim, Tracked},
    run::{StepInput, StepOutput, StepRecord},
};
use serde_json::{Map, Value};

/// A claim, with the progress of its run.
pub(crate) struct View<'a> {
    pub(crate) claim: &'a Claim,
    pub(crate) step: &'a Step,
    /// The same step of the run that this one reproduces.
    pub(crate) original: Option<StepRecord>,
    progress: Progress<'a>,
    /// What was tracked and is to be written with the settlement.
    unwritten: Mutex<Tracked>,
}

impl<'a> View<'a> {
    /// `None` when the pipeline has no such step, which only a damaged journal could say.
    pub(crate) fn new(claim: &'a Claim, original: Option<StepRecord>) -> Option<Self> {
        let step = claim.run.pipeline.steps.get(&claim.key.step)?;
        let progress = Progress::go_on(&claim.run, claim.standing.clone());
        Some(Self { claim, step, original, progress, unwritten: Mutex::default() })
    }

    /// What placeholders can speak of.
    pub(crate) fn scope(&self) -> Scope<'_> {
        self.progress.scope()
    }

    /// What the step or trial is given.
    pub(crate) fn work(&self) -> Result<Work, Unresolved> {
        self.progress.work(&self.claim.key.step, self.claim.key.trial)
    }

    /// The results of a step that is done.
    pub(crate) fn results(&self, step: &str) -> Option<&Map<String, Value>> {
        self.progress.steps().get(step).map(|it| it.results.as_ref())
    }

    /// An output of a step that is done.
    pub(crate) fn output(&self, reference: &OutputRef) -> Option<&StepOutput> {
        self.progress.made(reference)
    }

    /// Leaves what was tracked last to the settlement.
    pub(crate) fn leave(&self, unwritten: Tracked) {
        *self.unwritten.lock().unwrap_or_else(PoisonError::into_inner) = unwritten;
    }

    /// What was left to the settlement.
    pub(crate) fn left(self) -> Tracked {
        self.unwritten.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an earlier attempt, or the run that is reproduced, pinned under this name, so that a URL is fetched once and
    /// a model stays the same.
    pub(crate) fn pinned_input(&self, name: &str) -> Option<&StepInput> {
        let earlier = self.original.as_ref().map_or(&self.claim.inputs, |it| &it.inputs);
        earlier.iter().find(|it| it.name == name)
    }

    /// The version a model reference was pinned to at submission, or that the run which is reproduced used in the end.
    pub(crate) fn pinned_model(&self, reference: &ModelRef) -> Option<&VersionId> {
        let used = || self.original.as_ref()?.models.iter().find(|it| it.model == reference.model);
        self.claim.run.pins.models.get(&reference.to_string()).or_else(used)
    }
}
