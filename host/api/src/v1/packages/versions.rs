//! `GET /api/v1/packages/{namespace}/{name}/versions`: the versions of a package.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::{Page, package::PackageVersion};

use crate::{AppState, extract::InPath, problem::Problem};

/// Lists the versions of a package, newest first; also those that are not offered, with the reason.
#[utoipa::path(get, path = "/api/v1/packages/{namespace}/{name}/versions", tag = "packages",
    operation_id = "list_package_versions", params(("namespace" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = Page<PackageVersion>), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn versions(
    State(state): State<AppState>,
    InPath((namespace, name)): InPath<(Name, Name)>,
) -> Result<Json<Page<PackageVersion>>, Problem> {
    let versions = state.registry.catalogue().packages().versions(&super::package(namespace, name)).await?;
    Ok(Json(Page::whole(versions.into_iter().map(PackageVersion::from).collect())))
}
