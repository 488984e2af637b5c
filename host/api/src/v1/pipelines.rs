//! Pipelines: checked, and kept in their project.

use host_core::ports::StandingError;

use crate::problem::Problem;

pub(super) mod check;
pub(super) mod delete;
pub(super) mod deploy;
pub(super) mod list;
pub(super) mod show;

impl From<StandingError> for Problem {
    fn from(error: StandingError) -> Self {
        match error {
            StandingError::NotFound(name) => Self::not_found(format!("pipeline `{name}` does not exist"))
                .hint("`fn pipeline list` shows those there are"),
            StandingError::Storage(reason) => Self::storage(reason),
        }
    }
}
