//! `POST /api/v1/projects/{project}/models/{model}/aliases/{alias}/rollback`: points an alias back.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::alias::Moved;

use crate::{AppState, extract::InPath, principal::Principal, problem::Problem};

/// Points an alias back to where it pointed before.
#[utoipa::path(post, path = "/api/v1/projects/{project}/models/{model}/aliases/{alias}/rollback", tag = "models",
    operation_id = "rollback_alias",
    params(("project" = String, Path), ("model" = String, Path), ("alias" = String, Path)),
    responses((status = 200, body = Moved), (status = 404, body = host_wire::Problem),
        (status = 409, body = host_wire::Problem)))]
pub(crate) async fn rollback(
    State(state): State<AppState>,
    Principal(who): Principal,
    InPath((project, model, alias)): InPath<(Name, Name, Name)>,
) -> Result<Json<Moved>, Problem> {
    let aliases = state.models.aliases(&project, &model).await?;
    let previous = aliases.iter().find(|it| it.alias == alias).map(|it| it.number);
    let number = state.models.rollback(&project, &model, &alias, &who).await?;
    Ok(Json(Moved { model, alias, number, previous }))
}
