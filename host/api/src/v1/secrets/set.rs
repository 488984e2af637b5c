//! `PUT /api/v1/projects/{project}/secrets/{name}`: gives a secret a value.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::secret::{Secret, SetSecret};

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Principal,
    problem::Problem,
};

/// Sets a secret, whether or not it has a value. Functions that are granted it see the new value with their next call.
#[utoipa::path(put, path = "/api/v1/projects/{project}/secrets/{name}", tag = "secrets", operation_id = "set_secret",
    params(("project" = String, Path), ("name" = String, Path)), request_body = SetSecret,
    responses((status = 200, body = Secret), (status = 409, body = host_wire::Problem),
        (status = 422, body = host_wire::Problem)))]
pub(crate) async fn set(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, name)): InPath<(Name, Name)>,
    InBody(body): InBody<SetSecret>,
) -> Result<Json<Secret>, Problem> {
    let secret = state.secrets.set(super::new(project, name, body, who)?).await?;
    Ok(Json(secret.into()))
}
