//! `PUT /api/v1/packages/{namespace}/{name}/versions/{version}/yank`: takes a version back.

use axum::{Json, extract::State};
use host_core::{Name, package::Publisher};
use host_wire::package::{PackageVersion, YankVersion};

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Caller,
    problem::Problem,
};

/// Takes a version back: it stays where it is in use, and nobody begins to use it. For owners of its namespace.
#[utoipa::path(put, path = "/api/v1/packages/{namespace}/{name}/versions/{version}/yank", tag = "packages",
    operation_id = "yank_package",
    params(("namespace" = String, Path), ("name" = String, Path), ("version" = String, Path)),
    request_body = YankVersion,
    responses((status = 200, body = PackageVersion), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn yank(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InPath((namespace, name, version)): InPath<(Name, Name, String)>,
    InBody(body): InBody<YankVersion>,
) -> Result<Json<PackageVersion>, Problem> {
    let id = super::id(namespace, name, &version)?;
    let packages = state.registry.catalogue().packages();
    packages.yank(&id, Some(&body.reason), &Publisher::from(&caller)).await?;
    Ok(Json(packages.version(&id).await?.into()))
}
