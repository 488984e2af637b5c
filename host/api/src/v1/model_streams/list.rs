//! `GET /api/v1/projects/{project}/model-streams`: which topics and queues bring models.

use axum::{Json, extract::State};
use host_core::{Name, ports::ModelStreams as _};
use host_wire::{Page, model_stream::ModelStream};

use crate::{AppState, extract::InPath, problem::Problem};

/// Lists model streams, in order of name.
#[utoipa::path(get, path = "/api/v1/projects/{project}/model-streams", tag = "models",
    operation_id = "list_model_streams", params(("project" = String, Path)),
    responses((status = 200, body = Page<ModelStream>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
) -> Result<Json<Page<ModelStream>>, Problem> {
    let streams = state.store.streams(&project).await?;
    Ok(Json(Page::whole(streams.into_iter().map(ModelStream::from).collect())))
}
