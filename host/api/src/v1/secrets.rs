//! Secrets: values go in and never come out again.

use host_core::{
    Name,
    ports::{NewSecret, SecretError, SecretValue},
};
use host_wire::secret::SetSecret;
use http::StatusCode;

use crate::problem::Problem;

pub(super) mod delete;
pub(super) mod list;
pub(super) mod rekey;
pub(super) mod rotate;
pub(super) mod set;

impl From<SecretError> for Problem {
    fn from(error: SecretError) -> Self {
        let detail = error.to_string();
        match error {
            SecretError::NotSet(_) => Self::not_found(detail).hint("`fn secrets list` shows those there are"),
            SecretError::Size(_) => Self::unprocessable("secret-size", detail),
            SecretError::TooMany(_) => Self::new(StatusCode::CONFLICT, "too-many-secrets", detail),
            SecretError::Key(_) => Self::new(StatusCode::CONFLICT, "secret-key", detail),
            SecretError::Damaged(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "secret-damaged", detail),
            SecretError::Storage(_) => Self::storage(detail),
        }
    }
}

/// The secret that a request sets.
fn new(project: Name, name: Name, body: SetSecret, by: String) -> Result<NewSecret, SecretError> {
    Ok(NewSecret { project, name, value: SecretValue::parse(body.value)?, by })
}
