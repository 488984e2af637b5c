//! `PUT /api/v1/namespaces/{namespace}/verified`: says whether it is known who is behind a namespace.

use axum::{Json, extract::State};
use host_core::{
    Name,
    package::{Publisher, Standing},
};
use host_wire::package::{Namespace, VerifyNamespace};

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Caller,
    problem::Problem,
};

/// Says whether an admin knows who is behind a namespace; searches show it.
#[utoipa::path(put, path = "/api/v1/namespaces/{namespace}/verified", tag = "packages",
    operation_id = "verify_namespace", params(("namespace" = String, Path)), request_body = VerifyNamespace,
    responses((status = 200, body = Namespace), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn verify(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InPath(namespace): InPath<Name>,
    InBody(body): InBody<VerifyNamespace>,
) -> Result<Json<Namespace>, Problem> {
    let standing = if body.verified { Standing::Verified } else { Standing::Unverified };
    let packages = state.registry.catalogue().packages();
    packages.verify(&namespace, standing, &Publisher::from(&caller)).await?;
    Ok(Json(super::namespace(&state, &namespace).await?))
}
