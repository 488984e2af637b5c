//! `PUT /api/v1/namespaces/{namespace}`: makes a namespace one's own.

use axum::{Json, extract::State};
use host_core::{Name, package::Publisher};
use host_wire::package::Namespace;

use crate::{AppState, extract::InPath, principal::Caller, problem::Problem};

/// Makes a namespace that is nobody's the caller's. Publishing in it does the same.
#[utoipa::path(put, path = "/api/v1/namespaces/{namespace}", tag = "packages", operation_id = "claim_namespace",
    params(("namespace" = String, Path)),
    responses((status = 200, body = Namespace), (status = 403, body = host_wire::Problem)))]
pub(crate) async fn claim(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InPath(namespace): InPath<Name>,
) -> Result<Json<Namespace>, Problem> {
    let claimed = state.registry.catalogue().packages().claim(&namespace, &Publisher::from(&caller)).await?;
    Ok(Json(claimed.into()))
}
