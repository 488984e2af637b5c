//! `GET /api/v1/packages/{namespace}/{name}`: a package.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::package::Package;

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows a package: what its newest version says of itself.
#[utoipa::path(get, path = "/api/v1/packages/{namespace}/{name}", tag = "packages", operation_id = "show_package",
    params(("namespace" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = Package), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    InPath((namespace, name)): InPath<(Name, Name)>,
) -> Result<Json<Package>, Problem> {
    let package = state.registry.catalogue().packages().package(&super::package(namespace, name)).await?;
    Ok(Json(package.into()))
}
