//! `PUT /api/v1/projects/{project}/trust`: says what a project makes of packages that nobody it trusts has signed.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::trust::{SetTrust, Trust};

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Principal,
    problem::Problem,
};

/// Sets what a project demands of packages from now on. What is deployed already stays.
#[utoipa::path(put, path = "/api/v1/projects/{project}/trust", tag = "trust", operation_id = "set_trust",
    params(("project" = String, Path)), request_body = SetTrust,
    responses((status = 200, body = Trust), (status = 422, body = host_wire::Problem)))]
pub(crate) async fn set(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath(project): InPath<Name>,
    InBody(body): InBody<SetTrust>,
) -> Result<Json<Trust>, Problem> {
    state.store.demand_signatures(&project, body.signatures.into(), &who).await?;
    Ok(Json(super::policy(&state, &project).await?.into()))
}
