//! `POST /api/v1/projects/{project}/functions/{name}/revisions/{number}/activate`: makes a revision answer.

use axum::{Json, extract::State};
use host_core::{Name, function::FunctionRef};
use host_wire::revision::Released;

use crate::{AppState, extract::InPath, principal::Principal, problem::Problem};

/// Makes a revision that is there already the one that answers.
#[utoipa::path(post, path = "/api/v1/projects/{project}/functions/{name}/revisions/{number}/activate",
    tag = "revisions", operation_id = "activate_revision",
    params(("project" = String, Path), ("name" = String, Path), ("number" = u64, Path)),
    responses((status = 200, body = Released), (status = 404, body = host_wire::Problem),
        (status = 409, body = host_wire::Problem)))]
pub(crate) async fn activate(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, name, number)): InPath<(Name, Name, u64)>,
) -> Result<Json<Released>, Problem> {
    let reference = FunctionRef { name, revision: Some(number) };
    let released = state.release.activate(&project, &reference, &who).await?;
    Ok(Json(Released::new(&released.revision, true, released.previous.map(|it| it.number))))
}
