//! Model streams: topics and queues whose messages are models.

use host_core::{
    Name,
    ports::{ModelStream, ModelStreams as _, StreamError},
};

use crate::{AppState, problem::Problem};

pub(super) mod add;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod show;

/// The stream of that name.
async fn stream(state: &AppState, project: &Name, name: &Name) -> Result<ModelStream, Problem> {
    let streams = state.store.streams(project).await?;
    let found = streams.into_iter().find(|it| it.name == *name);
    Ok(found.ok_or_else(|| StreamError::NotFound(name.clone()))?)
}
