//! Events that were given up.

use host_core::{Name, ports};
use host_wire::dead_letter::DeadLetter;

use crate::{AppState, problem::Problem};

pub(super) mod list;
pub(super) mod replay;
pub(super) mod show;

/// One letter of a project.
async fn one(state: &AppState, project: &Name, id: &str) -> Result<ports::DeadLetter, Problem> {
    let letter = ports::DeadLetters::letter(&state.store, project, id).await?;
    letter.ok_or_else(|| {
        Problem::not_found(format!("there is no dead letter `{id}`"))
            .hint("`fn dead-letters list` shows those there are")
    })
}

/// The letter as it is by now.
async fn told(state: &AppState, project: &Name, id: &str) -> Result<DeadLetter, Problem> {
    one(state, project, id).await.map(DeadLetter::from)
}
