//! `GET /api/v1/packages/{namespace}/{name}/versions/{version}`: one version of a package.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::package::PackageVersion;

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows a version, and whether it is offered.
#[utoipa::path(get, path = "/api/v1/packages/{namespace}/{name}/versions/{version}", tag = "packages",
    operation_id = "show_package_version",
    params(("namespace" = String, Path), ("name" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = PackageVersion), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn version(
    State(state): State<AppState>,
    InPath((namespace, name, version)): InPath<(Name, Name, String)>,
) -> Result<Json<PackageVersion>, Problem> {
    let id = super::id(namespace, name, &version)?;
    Ok(Json(state.registry.catalogue().packages().version(&id).await?.into()))
}
