//! Runs of pipelines and jobs.

use host_core::{Name, RunId, run::Run};

use crate::{AppState, problem::Problem};

pub(super) mod cancel;
pub(super) mod compare;
pub(super) mod events;
pub(super) mod import;
pub(super) mod list;
pub(super) mod reproduce;
pub(super) mod response;
pub(super) mod retry;
pub(super) mod show;
pub(super) mod submit;

/// A run of the project.
async fn find(state: &AppState, project: &Name, id: RunId) -> Result<Run, Problem> {
    let run = state.runs.journal().run(id).await?;
    if run.spec.project == *project {
        return Ok(run);
    }
    Err(Problem::not_found(format!("run {id} does not exist in project `{project}`")))
}
