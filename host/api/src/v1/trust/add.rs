//! `POST /api/v1/projects/{project}/trust/keys`: trusts a key for a namespace.

use axum::{Json, extract::State};
use host_core::Name;
use host_store::NewTrustedKey;
use host_wire::trust::{Trust, TrustKey};

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Principal,
    problem::Problem,
};

/// Trusts a key for the packages of a namespace. Trusting it again says anew whether they may keep warm instances.
#[utoipa::path(post, path = "/api/v1/projects/{project}/trust/keys", tag = "trust", operation_id = "trust_key",
    params(("project" = String, Path)), request_body = TrustKey,
    responses((status = 200, body = Trust), (status = 409, body = host_wire::Problem),
        (status = 422, body = host_wire::Problem)))]
pub(crate) async fn add(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath(project): InPath<Name>,
    InBody(body): InBody<TrustKey>,
) -> Result<Json<Trust>, Problem> {
    let key = NewTrustedKey { namespace: body.namespace, key: body.key, is_warm: body.warm };
    state.store.trust_key(&project, &key, &who).await?;
    Ok(Json(super::policy(&state, &project).await?.into()))
}
