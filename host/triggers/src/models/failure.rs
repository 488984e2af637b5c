//! What stands in the way of a model, as the failure of its message: whether to try it again is decided here.

use host_core::{
    event::{Failure, code},
    model::LoadError,
    ports::{ArtifactError, FetchError, ModelError, StreamError},
};

pub(super) fn of_load(error: &LoadError) -> Failure {
    let code = match error {
        LoadError::Format(_) => "unknown-format",
        LoadError::Corrupt(_) | LoadError::Operator(_) | LoadError::Sample(_) => "bad-model",
    };
    Failure::invalid(code, error.to_string())
}

pub(super) fn of_artifact(error: &ArtifactError) -> Failure {
    let message = error.to_string();
    match error {
        ArtifactError::NotFound(_) => Failure::invalid("missing-artifact", message),
        ArtifactError::Damaged { .. } => Failure::invalid("bad-model", message),
        ArtifactError::TooLarge(_) => Failure::invalid(code::TOO_LARGE, message),
        ArtifactError::Source(_) | ArtifactError::Storage(_) => Failure::transient("storage", message),
    }
}

pub(super) fn of_fetch(error: &FetchError) -> Failure {
    let message = error.to_string();
    match error {
        FetchError::Refused { .. } => Failure::invalid("bad-location", message),
        FetchError::Status { status: 408 | 425 | 429 | 500.., .. } | FetchError::Unreachable { .. } => {
            Failure::transient("unreachable", message)
        }
        FetchError::Status { .. } => Failure::invalid("bad-location", message),
    }
}

pub(super) fn of_model(error: &ModelError) -> Failure {
    let message = error.to_string();
    match error {
        ModelError::Unfit { .. } | ModelError::Retired { .. } | ModelError::NoEarlier { .. } => {
            Failure::invalid("bad-model", message)
        }
        ModelError::NotFound(_) | ModelError::Storage(_) => Failure::transient("storage", message),
    }
}

pub(super) fn of_stream(error: &StreamError) -> Failure {
    Failure::transient(code::UNAVAILABLE, error.to_string())
}
