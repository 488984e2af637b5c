//! `PUT /api/v1/projects/{project}/model-streams/{name}`: has a topic or a queue read for models.

use axum::{Json, extract::State};
use host_core::{
    Name,
    ports::{self, MODELS, ModelStreams as _, models},
};
use host_wire::model_stream::{AddModelStream, ModelStream};
use http::StatusCode;

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Principal,
    problem::Problem,
};

/// Adds a model stream: every message is a model that is verified, registered and put in force. Adding one again as it
/// is changes nothing.
#[utoipa::path(put, path = "/api/v1/projects/{project}/model-streams/{name}", tag = "models",
    operation_id = "add_model_stream", params(("project" = String, Path), ("name" = String, Path)),
    request_body = AddModelStream,
    responses((status = 200, body = ModelStream), (status = 409, body = host_wire::Problem),
        (status = 422, body = host_wire::Problem)))]
pub(crate) async fn add(
    State(state): State<AppState>,
    Principal(created_by): Principal,
    InPath((project, name)): InPath<(Name, Name)>,
    InBody(body): InBody<AddModelStream>,
) -> Result<Json<ModelStream>, Problem> {
    // Their triggers would bear the same names.
    if state.directory.functions().get(&project, &models()).is_some() {
        let detail = format!("the project has a function `{MODELS}`, whose triggers would bear the names of streams");
        let problem = Problem::new(StatusCode::CONFLICT, "name-taken", detail);
        return Err(problem.hint(format!("deploy it under another name, then fn delete {MODELS}")));
    }
    let AddModelStream { source, alias } = body;
    let created_at = state.clock.now();
    let stream = ports::ModelStream { project, name, source, alias, created_by, created_at };
    Ok(Json(state.store.add(stream).await?.into()))
}
