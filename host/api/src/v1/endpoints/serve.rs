//! `PUT /api/v1/projects/{project}/endpoints/{name}`: serves a model under a name.

use axum::{Json, extract::State};
use host_core::{Name, ports};
use host_wire::endpoint::{Endpoint, Serve};

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Principal,
    problem::Problem,
};

/// Serves a model under a name, over the Open Inference Protocol. The model must exist.
#[utoipa::path(put, path = "/api/v1/projects/{project}/endpoints/{name}", tag = "endpoints",
    operation_id = "serve_endpoint", params(("project" = String, Path), ("name" = String, Path)),
    request_body = Serve, responses((status = 200, body = Endpoint), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn serve(
    State(state): State<AppState>,
    Principal(updated_by): Principal,
    InPath((project, name)): InPath<(Name, Name)>,
    InBody(body): InBody<Serve>,
) -> Result<Json<Endpoint>, Problem> {
    state.models.resolve(&project, &body.model).await?;
    let endpoint = ports::Endpoint { name, model: body.model, updated_by, updated_at: state.clock.now() };
    state.models.serve(&project, endpoint.clone()).await?;
    state.endpoints.refresh().await?;
    Ok(Json(endpoint.into()))
}
