//! `DELETE /api/v1/projects/{project}/trust/keys/{key}`: takes a key for worthless.

use axum::{Json, extract::State};
use host_core::{Digest, Name, package::STANDARD};
use host_store::{NewTrustedKey, TrustError};
use host_wire::trust::RevokedKey;

use crate::{AppState, extract::InPath, principal::Principal, problem::Problem};

/// Revokes a key in every namespace, for good: what it signed is refused from now on. What is deployed already stays in
/// service, and is told.
#[utoipa::path(delete, path = "/api/v1/projects/{project}/trust/keys/{key}", tag = "trust",
    operation_id = "revoke_key", params(("project" = String, Path), ("key" = String, Path)),
    responses((status = 200, body = RevokedKey), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn revoke(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, id)): InPath<(Name, Digest)>,
) -> Result<Json<RevokedKey>, Problem> {
    own(&state, &project, &id, &who).await?;
    state.store.revoke_key(&project, &id, &who).await?;
    let in_service = state.store.signed_by(&project, &id).await?;
    Ok(Json(RevokedKey { id, in_service }))
}

/// The key of the library is the host's; a project that wants none of it makes it its own first, so that it is on record.
async fn own(state: &AppState, project: &Name, id: &Digest, who: &str) -> Result<(), Problem> {
    let Some(key) = state.library.filter(|it| it.id() == *id) else { return Ok(()) };
    let Ok(namespace) = STANDARD.parse() else { return Ok(()) };
    match state.store.trust_key(project, &NewTrustedKey { namespace, key, is_warm: false }, who).await {
        Ok(()) | Err(TrustError::Revoked { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
