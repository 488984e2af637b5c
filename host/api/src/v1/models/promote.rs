//! `PUT /api/v1/projects/{project}/models/{model}/aliases/{alias}`: points an alias to a version.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::alias::{Moved, Promote};

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Principal,
    problem::Problem,
};

/// Points an alias to a version; whoever asks for the alias is answered by it from then on.
#[utoipa::path(put, path = "/api/v1/projects/{project}/models/{model}/aliases/{alias}", tag = "models",
    operation_id = "promote_version",
    params(("project" = String, Path), ("model" = String, Path), ("alias" = String, Path)), request_body = Promote,
    responses((status = 200, body = Moved), (status = 404, body = host_wire::Problem),
        (status = 409, body = host_wire::Problem)))]
pub(crate) async fn promote(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, model, alias)): InPath<(Name, Name, Name)>,
    InBody(body): InBody<Promote>,
) -> Result<Json<Moved>, Problem> {
    let number = super::version(&state, &project, &model, body.version).await?.id.number;
    let previous = state.models.promote(&project, &model, &alias, number, &who).await?;
    Ok(Json(Moved { model, alias, number, previous }))
}
