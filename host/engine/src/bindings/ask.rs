//! Asking a model on a guest's behalf, whichever interface it asks through.

use std::sync::Arc;

use host_capabilities::model::{Granted, granted};
use host_core::{
    Name,
    call::{InferCall, JobInput},
    model::{ModelRef, ScoreError, VersionId},
    ports::Score,
    tensor::Tensor,
};

use crate::guest::Guest;

/// What a guest's name for a model leads to.
enum Asked {
    /// Whatever the reference points to at that moment.
    Moving(ModelRef),
    /// The version this run was pinned to.
    Pinned(VersionId),
    /// An input of the job.
    Input(JobInput),
}

/// Which model it was: a version of the registry, or an input, whose number is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) model: String,
    pub(super) number: u64,
    pub(super) digest: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Refused {
    /// The manifest grants no model of this name.
    NotGranted(String),
    /// The model, or what computes it.
    Score(ScoreError),
}

impl Guest {
    /// Which version `name` means at this moment.
    pub(super) fn current_model(&mut self, name: &str) -> Result<Origin, Refused> {
        let score = self.score()?;
        match self.asked(name)? {
            Asked::Pinned(version) => Ok((&version).into()),
            Asked::Input(input) => Ok(of_input(name, &input)),
            Asked::Moving(reference) => {
                let version = score.current(self.project(), &reference)?.id;
                let origin = (&version).into();
                self.resolved(reference, version);
                Ok(origin)
            }
        }
    }

    /// Infers on the version that `name` means at this moment.
    pub(super) async fn ask_model(
        &mut self,
        name: &str,
        inputs: Vec<Tensor>,
    ) -> Result<(Origin, Vec<Tensor>), Refused> {
        let score = self.score()?;
        let call = InferCall { inputs, outputs: Vec::new() };
        let deadline = Some(self.watch.deadline);
        let answered = match self.asked(name)? {
            Asked::Input(input) => {
                let outputs = score.infer_file(input.digest, &input.path, call, deadline).await?;
                return Ok((of_input(name, &input), outputs));
            }
            Asked::Pinned(version) => score.infer_version(&version, call, deadline).await?,
            Asked::Moving(reference) => {
                let answered = score.infer(self.project(), &reference, call, deadline).await?;
                self.resolved(reference, answered.version.clone());
                answered
            }
        };
        self.current.asked(&answered.version);
        Ok(((&answered.version).into(), answered.outputs))
    }

    /// Whether every reference this instance resolved still means the same version.
    pub(crate) fn is_up_to_date(&self) -> bool {
        let Some(score) = &self.current.services.score else { return true };
        let same = |(reference, version): &(ModelRef, VersionId)| {
            score.current(self.project(), reference).is_ok_and(|now| now.id == *version)
        };
        self.resolved.iter().all(same)
    }

    fn score(&self) -> Result<Arc<dyn Score>, Refused> {
        let nothing = || Refused::Score(ScoreError::Failed("this host serves no models".to_owned()));
        self.current.services.score.clone().ok_or_else(nothing)
    }

    fn project(&self) -> &Name {
        &self.current.revision.project
    }

    fn asked(&self, name: &str) -> Result<Asked, Refused> {
        let manifest = &self.current.revision.manifest;
        let denied = || Refused::NotGranted(name.to_owned());
        match granted(manifest, name).ok_or_else(denied)? {
            Granted::Input(input) => self.input(input).map(Asked::Input).ok_or_else(denied),
            Granted::Registry(reference) => Ok(match self.pinned(reference) {
                Some(version) => Asked::Pinned(version),
                None => Asked::Moving(reference.clone()),
            }),
        }
    }

    fn input(&self, name: &str) -> Option<JobInput> {
        self.sandbox.as_ref()?.inputs().iter().find(|input| input.name == name).cloned()
    }

    /// The version a run was pinned to for `reference`: they stand in the order of the grants, or are told by model.
    fn pinned(&self, reference: &ModelRef) -> Option<VersionId> {
        let pins = self.sandbox.as_ref()?.models();
        let grants = &self.current.revision.manifest.grants.model;
        let in_order = grants.iter().zip(pins).find(|(granted, _)| *granted == reference).map(|(_, pin)| pin);
        let ours = |pin: &&VersionId| pin.model == reference.model;
        in_order.filter(ours).or_else(|| pins.iter().find(ours)).cloned()
    }

    /// Notes what `reference` meant, so that a warm instance is not lent once it means something else.
    fn resolved(&mut self, reference: ModelRef, version: VersionId) {
        match self.resolved.iter_mut().find(|(known, _)| *known == reference) {
            Some((_, known)) => *known = version,
            None => self.resolved.push((reference, version)),
        }
    }
}

fn of_input(name: &str, input: &JobInput) -> Origin {
    Origin { model: name.to_owned(), number: 0, digest: input.digest.to_string() }
}

impl From<&VersionId> for Origin {
    fn from(version: &VersionId) -> Self {
        Self { model: version.model.to_string(), number: version.number, digest: version.digest.to_string() }
    }
}

impl From<ScoreError> for Refused {
    fn from(error: ScoreError) -> Self {
        Self::Score(error)
    }
}
