//! `GET /v2/models/{model}` and `…/ready`: what a model takes and gives, and whether it answers.

use axum::{
    Json,
    extract::{Path, State},
};
use host_core::{
    Name,
    model::{At, ModelRef, ScoreError, Version},
    ports::ModelError,
};
use host_wire::oip::{self, ModelMetadata, ModelReady};
use http::StatusCode;

use super::Refusal;
use crate::AppState;

/// Says what a model takes and gives.
#[utoipa::path(get, path = "/v2/models/{model}", tag = "inference", operation_id = "oip_model",
    params(("model" = String, Path)), responses((status = 200, body = ModelMetadata), (status = 404, body = oip::Error)))]
pub(crate) async fn metadata(
    State(state): State<AppState>,
    Path(model): Path<String>,
) -> Result<Json<ModelMetadata>, Refusal> {
    describe(&state, &reference(&model, None)?, model).await
}

/// Says what a version of a model takes and gives.
#[utoipa::path(get, path = "/v2/models/{model}/versions/{version}", tag = "inference",
    operation_id = "oip_model_version", params(("model" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = ModelMetadata), (status = 404, body = oip::Error)))]
pub(crate) async fn version_metadata(
    State(state): State<AppState>,
    Path((model, version)): Path<(String, String)>,
) -> Result<Json<ModelMetadata>, Refusal> {
    describe(&state, &reference(&model, Some(&version))?, model).await
}

/// Says whether a model answers.
#[utoipa::path(get, path = "/v2/models/{model}/ready", tag = "inference", operation_id = "oip_model_ready",
    params(("model" = String, Path)), responses((status = 200, body = ModelReady), (status = 404, body = oip::Error)))]
pub(crate) async fn ready(
    State(state): State<AppState>,
    Path(model): Path<String>,
) -> Result<Json<ModelReady>, Refusal> {
    current(&state, &reference(&model, None)?).await?;
    Ok(Json(ModelReady { name: model, ready: true }))
}

/// Says whether a version of a model answers.
#[utoipa::path(get, path = "/v2/models/{model}/versions/{version}/ready", tag = "inference",
    operation_id = "oip_model_version_ready", params(("model" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = ModelReady), (status = 404, body = oip::Error)))]
pub(crate) async fn version_ready(
    State(state): State<AppState>,
    Path((model, version)): Path<(String, String)>,
) -> Result<Json<ModelReady>, Refusal> {
    current(&state, &reference(&model, Some(&version))?).await?;
    Ok(Json(ModelReady { name: model, ready: true }))
}

/// What a name in the path means: a model or an endpoint, and a version by number or alias.
pub(super) fn reference(model: &str, version: Option<&str>) -> Result<ModelRef, Refusal> {
    let unknown = || Refusal::new(StatusCode::NOT_FOUND, format!("model `{model}` is not registered"));
    let at = match version {
        None => At::Default,
        Some(text) => match text.parse() {
            Ok(number) => At::Number(number),
            Err(_) => At::Alias(text.parse().map_err(|_| {
                Refusal::new(StatusCode::NOT_FOUND, format!("`{text}` is neither the number of a version nor an alias"))
            })?),
        },
    };
    Ok(ModelRef { model: model.parse().map_err(|_| unknown())?, at })
}

/// The version that would answer, and the model it is of.
async fn current(state: &AppState, asked: &ModelRef) -> Result<Version, Refusal> {
    let project = Name::default_project();
    let model = state.endpoints.resolve(&project, asked.clone()).await?;
    Ok(state.score.current(&project, &model)?)
}

async fn describe(state: &AppState, asked: &ModelRef, name: String) -> Result<Json<ModelMetadata>, Refusal> {
    let version = current(state, asked).await?;
    let versions = state.models.versions(&Name::default_project(), &version.id.model).await?;
    let numbers = versions.into_iter().filter(|it| it.retired_at.is_none()).map(|it| it.id.number);
    Ok(Json(ModelMetadata::new(name, version, numbers)))
}

impl From<ModelError> for Refusal {
    fn from(error: ModelError) -> Self {
        let status = match error {
            ModelError::NotFound(_) | ModelError::Retired { .. } => StatusCode::NOT_FOUND,
            ModelError::NoEarlier { .. } => StatusCode::CONFLICT,
            ModelError::Unfit { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            ModelError::Storage(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

impl From<ScoreError> for Refusal {
    fn from(error: ScoreError) -> Self {
        let status = match error {
            ScoreError::NotFound(_) => StatusCode::NOT_FOUND,
            ScoreError::Invalid(_) => StatusCode::BAD_REQUEST,
            ScoreError::Busy => StatusCode::TOO_MANY_REQUESTS,
            ScoreError::Deadline => StatusCode::GATEWAY_TIMEOUT,
            ScoreError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}
