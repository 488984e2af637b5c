//! `PUT /api/v1/packages/{namespace}/{name}/deprecation`: says what to use in a package's place.

use axum::{Json, extract::State};
use host_core::{Name, package::Publisher};
use host_wire::package::{Deprecate, Package};

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Caller,
    problem::Problem,
};

/// Says what to use in a package's place; without a message, that it may be used again. For owners of its namespace.
#[utoipa::path(put, path = "/api/v1/packages/{namespace}/{name}/deprecation", tag = "packages",
    operation_id = "deprecate_package", params(("namespace" = String, Path), ("name" = String, Path)),
    request_body = Deprecate,
    responses((status = 200, body = Package), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn deprecate(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InPath((namespace, name)): InPath<(Name, Name)>,
    InBody(body): InBody<Deprecate>,
) -> Result<Json<Package>, Problem> {
    let package = super::package(namespace, name);
    let packages = state.registry.catalogue().packages();
    packages.deprecate(&package, body.message.as_deref(), &Publisher::from(&caller)).await?;
    Ok(Json(packages.package(&package).await?.into()))
}
