//! Models from the registry, as far as the manifest grants them.
//!
//! A name is `wine`, `wine@candidate` (an alias), `wine@3` (a version), or `in/<name>` in a job with an input that is a
//! model. What an alias means can move between two calls: a [`Prediction`] names the version that made it.

use std::fmt;

pub use crate::bindings::weft::function::model::{Dtype, Prediction, Tensor, Version};
use crate::{Failure, host};

mod tensor;

/// Why a model did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The manifest grants no such model.
    NotGranted(String),
    /// The registry has no such model, alias or version.
    NotFound(String),
    /// The tensors do not fit the model, or are not of the type they were read as.
    Invalid(String),
    /// Every permit is taken; try again later.
    Busy,
    /// The model failed.
    Failed(String),
}

impl Error {
    /// The failure it makes of a call: the caller's fault, worth another attempt, or neither.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::NotGranted(_) => Failure::fatal("model-not-granted", self),
            Self::NotFound(_) => Failure::fatal("model-not-found", self),
            Self::Invalid(_) => Failure::invalid("bad-tensor", self),
            Self::Busy => Failure::transient("model-busy", self),
            Self::Failed(_) => Failure::fatal("model-failed", self),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGranted(name) => write!(f, "model `{name}` is not granted: add it to `model` under [grants]"),
            Self::NotFound(name) => write!(f, "model `{name}` is not registered"),
            Self::Invalid(why) => f.write_str(why),
            Self::Busy => f.write_str("model is busy"),
            Self::Failed(why) => write!(f, "model failed: {why}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<host::model::Error> for Error {
    fn from(error: host::model::Error) -> Self {
        match error {
            host::model::Error::NotGranted(name) => Self::NotGranted(name),
            host::model::Error::NotFound(name) => Self::NotFound(name),
            host::model::Error::Invalid(why) => Self::Invalid(why),
            host::model::Error::Busy => Self::Busy,
            host::model::Error::Failed(why) => Self::Failed(why),
        }
    }
}

/// The version that `name` means at this moment.
pub fn current(name: &str) -> Result<Version, Error> {
    Ok(host::model::current(name)?)
}

/// Infers on the version that `name` means at this moment.
pub fn infer(name: &str, inputs: &[Tensor]) -> Result<Prediction, Error> {
    Ok(host::model::infer(name, inputs)?)
}

impl Prediction {
    /// The output of that name.
    pub fn output(&self, name: &str) -> Result<&Tensor, Error> {
        self.outputs.iter().find(|tensor| tensor.name == name).ok_or_else(|| {
            let names: Vec<_> = self.outputs.iter().map(|tensor| tensor.name.as_str()).collect();
            Error::Invalid(format!("the model has no output `{name}`; it has {}", names.join(", ")))
        })
    }
}
