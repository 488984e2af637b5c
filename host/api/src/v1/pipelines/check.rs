//! `POST /api/v1/projects/{project}/pipelines/check`: every mistake in a pipeline, without running it.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::{
    pipeline::{Check, Checked},
    problem::Mistake,
};

use crate::{
    AppState,
    extract::{InBody, InPath},
    problem::Problem,
};

/// Reports every mistake at once, each with its place.
#[utoipa::path(post, path = "/api/v1/projects/{project}/pipelines/check", tag = "pipelines",
    operation_id = "check_pipeline", params(("project" = String, Path)), request_body = Check,
    responses((status = 200, body = Checked)))]
pub(crate) async fn check(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
    InBody(body): InBody<Check>,
) -> Result<Json<Checked>, Problem> {
    let problems = state.runs.check(&project, &body.pipeline).await?;
    Ok(Json(Checked { mistakes: problems.into_iter().map(Mistake::from).collect() }))
}
