//! `GET /api/v1/projects/{project}/models/{model}/stats`: how often a model was asked, and how long it took.

use axum::{Json, extract::State};
use host_core::Name;
use host_wire::stats::ModelStats;

use crate::{AppState, extract::InPath, problem::Problem};

/// Shows what this host counted of a model since a version came into force.
#[utoipa::path(get, path = "/api/v1/projects/{project}/models/{model}/stats", tag = "models",
    operation_id = "show_model_stats", params(("project" = String, Path), ("model" = String, Path)),
    responses((status = 200, body = ModelStats), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn stats(
    State(state): State<AppState>,
    InPath((project, model)): InPath<(Name, Name)>,
) -> Result<Json<ModelStats>, Problem> {
    let Some(stats) = state.score.stats(&project, &model) else {
        // Nobody asked yet; but there must be such a model.
        state.models.versions(&project, &model).await?;
        return Ok(Json(ModelStats::of(model, host_core::model::ModelStats::default())));
    };
    Ok(Json(ModelStats::of(model, stats)))
}
