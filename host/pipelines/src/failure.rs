//! Errors of other rooms as failures of a step.

use host_core::{
    event::Failure,
    pipeline::Unresolved,
    ports::{ArtifactError, DeployError, FetchError, JournalError, ModelError},
};

/// Bytes that a step needs or made: missing and damaged ones stay so, the rest may pass.
pub(crate) fn of_artifact(name: &str, error: &ArtifactError) -> Failure {
    let message = format!("`{name}`: {error}");
    match error {
        ArtifactError::NotFound(_) => Failure::invalid("missing-artifact", message),
        ArtifactError::Damaged { .. } => Failure::invalid("damaged-artifact", message),
        ArtifactError::TooLarge(_) => Failure::invalid("too-large", message),
        ArtifactError::Source(_) | ArtifactError::Storage(_) => Failure::transient("artifact-store", message),
    }
}

/// A function that a step names.
pub(crate) fn of_deployment(error: &DeployError) -> Failure {
    match error {
        DeployError::Storage(_) => Failure::transient("store", error.to_string()),
        _ => Failure::invalid("no-function", error.to_string()),
    }
}

/// A model that a step names.
pub(crate) fn of_model(error: &ModelError) -> Failure {
    match error {
        ModelError::Storage(_) => Failure::transient("store", error.to_string()),
        ModelError::Unfit { .. } => Failure::invalid("bad-model", error.to_string()),
        _ => Failure::invalid("no-model", error.to_string()),
    }
}

/// An input by URL.
pub(crate) fn of_fetch(name: &str, error: &FetchError) -> Failure {
    let message = format!("input `{name}`: {error}");
    match error {
        FetchError::Refused { .. } => Failure::invalid("fetch-refused", message),
        FetchError::Status { status, .. } if *status < 500 && *status != 429 && *status != 408 => {
            Failure::invalid("fetch-status", message)
        }
        FetchError::Status { .. } | FetchError::Unreachable { .. } => Failure::transient("fetch", message),
    }
}

/// What is on record of an input.
pub(crate) fn of_journal(name: &str, error: &JournalError) -> Failure {
    Failure::transient("store", format!("input `{name}`: {error}"))
}

/// A placeholder without a value.
pub(crate) fn of_unresolved(what: &str, error: &Unresolved) -> Failure {
    Failure::invalid("unresolved", format!("{what}: {error}"))
}
