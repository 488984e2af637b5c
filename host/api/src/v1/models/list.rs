//! `GET /api/v1/projects/{project}/models`: the models of the registry.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::{Page, alias::Alias, model::Model};

use crate::{AppState, extract::InPath, problem::Problem};

/// Lists models with their aliases, in order of name.
#[utoipa::path(get, path = "/api/v1/projects/{project}/models", tag = "models", operation_id = "list_models",
    params(("project" = String, Path)), responses((status = 200, body = Page<Model>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
) -> Result<Json<Page<Model>>, Problem> {
    let mut models = Vec::new();
    for name in state.models.models(&project).await? {
        let newest = state.models.versions(&project, &name).await?.first().map(|it| it.id.number);
        let aliases = state.models.aliases(&project, &name).await?.into_iter().map(Alias::from).collect();
        models.push(Model { name, newest, aliases });
    }
    Ok(Json(Page::whole(models)))
}
