//! `GET /api/v1/projects/{project}/functions/{name}/revisions/{number}`: one revision.

use axum::{Json, extract::State};
use host_core::{Name, function::FunctionRef, ports::Deployments};
use host_wire::revision::Revision;

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows a revision, active or not.
#[utoipa::path(get, path = "/api/v1/projects/{project}/functions/{name}/revisions/{number}", tag = "revisions",
    operation_id = "show_revision",
    params(("project" = String, Path), ("name" = String, Path), ("number" = u64, Path)),
    responses((status = 200, body = Revision), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    InPath((project, name, number)): InPath<(Name, Name, u64)>,
) -> Result<Json<Revision>, Problem> {
    let reference = FunctionRef { name, revision: Some(number) };
    Ok(Json(Revision::from(&*state.store.revision(&project, &reference).await?)))
}
