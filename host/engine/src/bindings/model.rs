//! `weft:function/model`: models by the names the manifest grants, and those among a job's inputs.

use host_core::model::ScoreError;

use super::{
    ask::{Origin, Refused},
    wit::model::{Error, Host, Prediction, Tensor, Version},
};
use crate::guest::Guest;

impl Host for Guest {
    fn current(&mut self, name: String) -> Result<Version, Error> {
        Ok(self.current_model(&name)?.into())
    }

    async fn infer(&mut self, name: String, inputs: Vec<Tensor>) -> Result<Prediction, Error> {
        let inputs = inputs.into_iter().map(Into::into).collect();
        let (origin, outputs) = self.ask_model(&name, inputs).await?;
        Ok(Prediction { version: origin.into(), outputs: outputs.into_iter().map(Into::into).collect() })
    }
}

impl From<Origin> for Version {
    fn from(origin: Origin) -> Self {
        Self { model: origin.model, number: origin.number, digest: origin.digest }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotGranted(name) => Self::NotGranted(name),
            Refused::Score(ScoreError::NotFound(name)) => Self::NotFound(name),
            Refused::Score(ScoreError::Invalid(why)) => Self::Invalid(why),
            Refused::Score(ScoreError::Busy) => Self::Busy,
            Refused::Score(ScoreError::Deadline) => Self::Failed(ScoreError::Deadline.to_string()),
            Refused::Score(ScoreError::Failed(why)) => Self::Failed(why),
        }
    }
}
