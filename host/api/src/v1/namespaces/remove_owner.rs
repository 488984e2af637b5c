//! `DELETE /api/v1/namespaces/{namespace}/owners/{owner}`: lets somebody publish in a namespace no more.

use axum::{Json, extract::State};
use host_core::{Name, package::Publisher};
use host_wire::package::Namespace;

use crate::{AppState, extract::InPath, principal::Caller, problem::Problem};

/// Lets somebody publish in a namespace no more; what they published stays. For its owners.
#[utoipa::path(delete, path = "/api/v1/namespaces/{namespace}/owners/{owner}", tag = "packages",
    operation_id = "remove_namespace_owner", params(("namespace" = String, Path), ("owner" = String, Path)),
    responses((status = 200, body = Namespace), (status = 403, body = host_wire::Problem),
        (status = 404, body = host_wire::Problem), (status = 409, body = host_wire::Problem)))]
pub(crate) async fn remove_owner(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InPath((namespace, owner)): InPath<(Name, String)>,
) -> Result<Json<Namespace>, Problem> {
    let packages = state.registry.catalogue().packages();
    packages.remove_owner(&namespace, &owner, &Publisher::from(&caller)).await?;
    Ok(Json(super::namespace(&state, &namespace).await?))
}
