//! `POST /api/v1/projects/{project}/secrets/{name}/rotate`: gives a secret another value.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::secret::{Secret, SetSecret};

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Principal,
    problem::Problem,
};

/// Gives a secret that is there another value; the one before is gone. No deploy is needed: the next call sees it.
#[utoipa::path(post, path = "/api/v1/projects/{project}/secrets/{name}/rotate", tag = "secrets",
    operation_id = "rotate_secret", params(("project" = String, Path), ("name" = String, Path)),
    request_body = SetSecret,
    responses((status = 200, body = Secret), (status = 404, body = host_wire::Problem),
        (status = 409, body = host_wire::Problem), (status = 422, body = host_wire::Problem)))]
pub(crate) async fn rotate(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, name)): InPath<(Name, Name)>,
    InBody(body): InBody<SetSecret>,
) -> Result<Json<Secret>, Problem> {
    let secret = state.secrets.rotate(super::new(project, name, body, who)?).await?;
    Ok(Json(secret.into()))
}
