//! `DELETE /api/v1/packages/{namespace}/{name}/versions/{version}/yank`: offers a version again.

use axum::{Json, extract::State};
use host_core::{Name, package::Publisher};
use host_wire::package::PackageVersion;

use crate::{AppState, extract::InPath, principal::Caller, problem::Problem};

/// Offers a version again that was taken back. For owners of its namespace.
#[utoipa::path(delete, path = "/api/v1/packages/{namespace}/{name}/versions/{version}/yank", tag = "packages",
    operation_id = "unyank_package",
    params(("namespace" = String, Path), ("name" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = PackageVersion), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn unyank(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InPath((namespace, name, version)): InPath<(Name, Name, String)>,
) -> Result<Json<PackageVersion>, Problem> {
    let id = super::id(namespace, name, &version)?;
    let packages = state.registry.catalogue().packages();
    packages.yank(&id, None, &Publisher::from(&caller)).await?;
    Ok(Json(packages.version(&id).await?.into()))
}
