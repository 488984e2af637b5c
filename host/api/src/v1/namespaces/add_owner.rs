//! `PUT /api/v1/namespaces/{namespace}/owners/{owner}`: lets somebody publish in a namespace.

use axum::{Json, extract::State};
use host_core::{Name, package::Publisher};
use host_wire::package::{AddOwner, Namespace};

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Caller,
    problem::Problem,
};

/// The longest name: that of a token, with its project.
const LONGEST: usize = 128;

/// Lets somebody publish in a namespace, or own it. For its owners.
#[utoipa::path(put, path = "/api/v1/namespaces/{namespace}/owners/{owner}", tag = "packages",
    operation_id = "add_namespace_owner", params(("namespace" = String, Path), ("owner" = String, Path)),
    request_body = AddOwner,
    responses((status = 200, body = Namespace), (status = 403, body = host_wire::Problem),
        (status = 404, body = host_wire::Problem), (status = 422, body = host_wire::Problem)))]
pub(crate) async fn add_owner(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InPath((namespace, owner)): InPath<(Name, String)>,
    InBody(body): InBody<AddOwner>,
) -> Result<Json<Namespace>, Problem> {
    let (name, project) = owner.split_once('@').map_or((owner.as_str(), None), |(name, it)| (name, Some(it)));
    let is_name = |it: &str| it.parse::<Name>().is_ok();
    if owner.len() > LONGEST || !is_name(name) || !project.is_none_or(is_name) {
        return Err(Problem::unprocessable("invalid-owner", format!("`{owner}` cannot be the name of a token"))
            .hint("write the token's name, or name@project where it is for one project"));
    }
    let packages = state.registry.catalogue().packages();
    packages.add_owner(&namespace, &owner, body.role.into(), &Publisher::from(&caller)).await?;
    Ok(Json(super::namespace(&state, &namespace).await?))
}
