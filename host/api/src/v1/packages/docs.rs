//! `GET /api/v1/packages/{namespace}/{name}/versions/{version}/docs`: what is written of a version.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::package::{PackageDocs, PackageVersion};

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows what is written of a version: the manifest of its function, its README and its icon.
#[utoipa::path(get, path = "/api/v1/packages/{namespace}/{name}/versions/{version}/docs", tag = "packages",
    operation_id = "get_package_docs",
    params(("namespace" = String, Path), ("name" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = PackageDocs), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn docs(
    State(state): State<AppState>,
    InPath((namespace, name, version)): InPath<(Name, Name, String)>,
) -> Result<Json<PackageDocs>, Problem> {
    let id = super::id(namespace, name, &version)?;
    let catalogue = state.registry.catalogue();
    let (version, package) =
        (catalogue.packages().version(&id).await?, catalogue.packages().package(&id.package).await?);
    let written = catalogue.written(&version).await?;
    Ok(Json(PackageDocs {
        manifest: version.about.manifest.clone(),
        version: PackageVersion::from(version),
        readme: written.readme,
        icon: written.icon,
        deprecated: package.deprecated,
    }))
}
