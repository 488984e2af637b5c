//! `POST /api/v1/projects/{project}/pipelines`: keeps a pipeline in its project.

use axum::{Json, extract::State};
use host_core::{Name, ports::StandingPipelines as _};
use host_wire::pipeline::{Check, Pipeline};
use http::StatusCode;

use crate::{
    AppState, auth,
    extract::{InBody, InPath},
    principal::Caller,
    problem::Problem,
};

/// Checks a pipeline and puts it in force under its own name: from then on it can be run by name, and its triggers start
/// it on behalf of whoever kept it. The same text again changes nothing.
#[utoipa::path(post, path = "/api/v1/projects/{project}/pipelines", tag = "pipelines",
    operation_id = "deploy_pipeline", params(("project" = String, Path)), request_body = Check,
    responses((status = 201, body = Pipeline), (status = 422, body = host_wire::Problem)))]
pub(crate) async fn deploy(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InPath(project): InPath<Name>,
    InBody(body): InBody<Check>,
) -> Result<(StatusCode, Json<Pipeline>), Problem> {
    // What is no pipeline is told so below, with every mistake in it.
    if let Ok(pipeline) = host_core::pipeline::Pipeline::parse(&body.pipeline) {
        caller.check_role(auth::role_for(&pipeline))?;
    }
    let new = state.runs.checked(project, body.pipeline, caller.name).await?;
    Ok((StatusCode::CREATED, Json(state.store.put_in_force(new).await?.into())))
}
