//! `POST /api/v1/projects/{project}/functions/{name}/rollback`: goes back to an earlier revision.

use axum::{Json, extract::State};
use host_core::{Name, function::FunctionRef};
use host_wire::revision::{Released, Rollback};

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Principal,
    problem::Problem,
};

/// Goes back to the revision that was active before, or to the one that is named.
#[utoipa::path(post, path = "/api/v1/projects/{project}/functions/{name}/rollback", tag = "functions",
    operation_id = "rollback_function", params(("project" = String, Path), ("name" = String, Path)),
    request_body = Rollback,
    responses((status = 200, body = Released), (status = 404, body = host_wire::Problem),
        (status = 409, body = host_wire::Problem)))]
pub(crate) async fn rollback(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, name)): InPath<(Name, Name)>,
    InBody(body): InBody<Rollback>,
) -> Result<Json<Released>, Problem> {
    let released = match body.to {
        None => state.release.rollback(&project, &name, &who).await?,
        to => state.release.activate(&project, &FunctionRef { name, revision: to }, &who).await?,
    };
    Ok(Json(Released::new(&released.revision, true, released.previous.map(|it| it.number))))
}
