//! Triggers that run on this host: how they are doing, and what may be asked of them.

use host_core::{
    Name,
    ports::{SourceError, TriggerId},
};
use host_wire::trigger::Trigger;
use http::StatusCode;

use crate::{AppState, problem::Problem};

pub(super) mod list;
pub(super) mod pause;
pub(super) mod resume;
pub(super) mod seek;
pub(super) mod show;

impl From<SourceError> for Problem {
    fn from(error: SourceError) -> Self {
        let detail = error.to_string();
        match error {
            SourceError::NotFound(_) => Self::not_found(detail),
            SourceError::Unsupported(_) => Self::unprocessable("unsupported", detail),
            SourceError::State(_) => Self::new(StatusCode::CONFLICT, "wrong-state", detail),
            SourceError::Failed(_) => Self::new(StatusCode::BAD_GATEWAY, "trigger-failed", detail),
        }
    }
}

/// How a trigger is doing.
fn one(state: &AppState, id: &TriggerId) -> Result<Trigger, SourceError> {
    let found = state.sources.list(&id.project).into_iter().find(|it| it.id == *id);
    found.map(Trigger::from).ok_or_else(|| SourceError::NotFound(id.to_string()))
}

fn id(project: Name, function: Name, name: String) -> TriggerId {
    TriggerId { project, function, name }
}
