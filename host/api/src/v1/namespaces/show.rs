//! `GET /api/v1/namespaces/{namespace}`: whose a namespace is.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::package::Namespace;

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows a namespace and who may publish in it.
#[utoipa::path(get, path = "/api/v1/namespaces/{namespace}", tag = "packages", operation_id = "show_namespace",
    params(("namespace" = String, Path)),
    responses((status = 200, body = Namespace), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    InPath(namespace): InPath<Name>,
) -> Result<Json<Namespace>, Problem> {
    Ok(Json(super::namespace(&state, &namespace).await?))
}
