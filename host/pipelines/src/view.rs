//! A claimed step with everything around it, as its executor sees it.

use host_core::{
    model::{ModelRef, VersionId},
    pipeline::{OutputRef, Progress, Scope, Step, Unresolved, Work},
    ports::Claim,
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
}

impl<'a> View<'a> {
    /// `None` when the pipeline has no such step, which only a damaged journal could say.
    pub(crate) fn new(claim: &'a Claim, original: Option<StepRecord>) -> Option<Self> {
        let step = claim.run.spec.pipeline.steps.get(&claim.key.step)?;
        Some(Self { claim, step, original, progress: Progress::from_records(&claim.run.spec, &claim.steps) })
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
        self.progress.steps().get(step).map(|it| &it.results)
    }

    /// What is on record of this very step or trial.
    pub(crate) fn own(&self) -> Option<&StepRecord> {
        self.claim.steps.iter().find(|it| it.key == self.claim.key)
    }

    /// An output of a step that is done.
    pub(crate) fn output(&self, reference: &OutputRef) -> Option<&StepOutput> {
        let of_step = |it: &&StepRecord| it.key.trial.is_none() && it.key.step == reference.step;
        let record = self.claim.steps.iter().find(of_step)?;
        record.outputs.iter().find(|it| it.name == reference.output)
    }

    /// What an earlier attempt, or the run that is reproduced, pinned under this name, so that a URL is fetched once and
    /// a model stays the same.
    pub(crate) fn pinned_input(&self, name: &str) -> Option<&StepInput> {
        let earlier = self.original.as_ref().or_else(|| self.own())?;
        earlier.inputs.iter().find(|it| it.name == name)
    }

    /// The version a model reference was pinned to at submission, or that the run which is reproduced used in the end.
    pub(crate) fn pinned_model(&self, reference: &ModelRef) -> Option<&VersionId> {
        let used = || self.original.as_ref()?.models.iter().find(|it| it.model == reference.model);
        self.claim.run.spec.pins.models.get(&reference.to_string()).or_else(used)
    }
}
