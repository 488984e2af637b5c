//! `GET /api/v1/projects/{project}/models/{model}`: a model, its versions and where its aliases have pointed.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::{alias::Alias, model::ModelDetail, version::Version};

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows a model.
#[utoipa::path(get, path = "/api/v1/projects/{project}/models/{model}", tag = "models", operation_id = "show_model",
    params(("project" = String, Path), ("model" = String, Path)),
    responses((status = 200, body = ModelDetail), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn show(
    State(state): State<AppState>,
    InPath((project, model)): InPath<(Name, Name)>,
) -> Result<Json<ModelDetail>, Problem> {
    let versions = state.models.versions(&project, &model).await?;
    if versions.is_empty() {
        return Err(host_core::ports::ModelError::NotFound(format!("model `{model}`")).into());
    }
    let aliases = state.models.aliases(&project, &model).await?;
    let history = state.models.history(&project, &model).await?;
    Ok(Json(ModelDetail {
        name: model,
        aliases: aliases.into_iter().map(Alias::from).collect(),
        versions: versions.into_iter().map(Version::from).collect(),
        history: history.into_iter().map(Alias::from).collect(),
    }))
}
