//! `GET /api/v1/projects/{project}/pipelines/{name}`: a pipeline with its text.

use axum::{Json, extract::State};
use host_core::{Name, ports::StandingPipelines as _};
use host_wire::pipeline::Pipeline;

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows the version of a pipeline that is in force.
#[utoipa::path(get, path = "/api/v1/projects/{project}/pipelines/{name}", tag = "pipelines",
    operation_id = "show_pipeline", params(("project" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = Pipeline), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    InPath((project, name)): InPath<(Name, Name)>,
) -> Result<Json<Pipeline>, Problem> {
    Ok(Json(state.store.pipeline(&project, &name).await?.into()))
}
