//! `weft:function/model`: models by the names the manifest grants, and those among a job's inputs.

use std::sync::Arc;

use host_capabilities::model::{Granted, granted};
use host_core::{
    Name,
    call::{InferCall, JobInput},
    model::{ModelRef, ScoreError, VersionId},
    ports::Score,
    tensor,
};

use super::wit::model::{Error, Host, Prediction, Tensor, Version};
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

impl Host for Guest {
    fn current(&mut self, name: String) -> Result<Version, Error> {
        let score = self.score()?;
        match self.asked(&name)? {
            Asked::Pinned(version) => Ok((&version).into()),
            Asked::Input(input) => Ok(of_input(&name, &input)),
            Asked::Moving(reference) => {
                let version = score.current(self.project(), &reference)?.id;
                let answer = (&version).into();
                self.resolved(reference, version);
                Ok(answer)
            }
        }
    }

    async fn infer(&mut self, name: String, inputs: Vec<Tensor>) -> Result<Prediction, Error> {
        let score = self.score()?;
        let call = InferCall { inputs: inputs.into_iter().map(Into::into).collect(), outputs: Vec::new() };
        let deadline = Some(self.watch.deadline);
        let answered = match self.asked(&name)? {
            Asked::Input(input) => {
                let outputs = score.infer_file(input.digest, &input.path, call, deadline).await?;
                return Ok(prediction(of_input(&name, &input), outputs));
            }
            Asked::Pinned(version) => score.infer_version(&version, call, deadline).await?,
            Asked::Moving(reference) => {
                let answered = score.infer(self.project(), &reference, call, deadline).await?;
                self.resolved(reference, answered.version.clone());
                answered
            }
        };
        self.current.asked(&answered.version);
        Ok(prediction((&answered.version).into(), answered.outputs))
    }
}

impl Guest {
    fn score(&self) -> Result<Arc<dyn Score>, Error> {
        let nothing = || Error::Failed("this host serves no models".to_owned());
        self.current.services.score.clone().ok_or_else(nothing)
    }

    fn project(&self) -> &Name {
        &self.current.revision.project
    }

    fn asked(&self, name: &str) -> Result<Asked, Error> {
        let manifest = &self.current.revision.manifest;
        let denied = || Error::NotGranted(name.to_owned());
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

    /// Whether every reference this instance resolved still means the same version.
    pub(crate) fn is_up_to_date(&self) -> bool {
        let Some(score) = &self.current.services.score else { return true };
        let same = |(reference, version): &(ModelRef, VersionId)| {
            score.current(self.project(), reference).is_ok_and(|now| now.id == *version)
        };
        self.resolved.iter().all(same)
    }
}

/// An input is no version of anything: its number is 0.
fn of_input(name: &str, input: &JobInput) -> Version {
    Version { model: name.to_owned(), number: 0, digest: input.digest.to_string() }
}

fn prediction(version: Version, outputs: Vec<tensor::Tensor>) -> Prediction {
    Prediction { version, outputs: outputs.into_iter().map(Into::into).collect() }
}

impl From<&VersionId> for Version {
    fn from(version: &VersionId) -> Self {
        Self { model: version.model.to_string(), number: version.number, digest: version.digest.to_string() }
    }
}

impl From<ScoreError> for Error {
    fn from(error: ScoreError) -> Self {
        match error {
            ScoreError::NotFound(name) => Self::NotFound(name),
            ScoreError::Invalid(why) => Self::Invalid(why),
            ScoreError::Busy => Self::Busy,
            ScoreError::Deadline => Self::Failed(ScoreError::Deadline.to_string()),
            ScoreError::Failed(why) => Self::Failed(why),
        }
    }
}
