//! `POST /api/v1/projects/{project}/models/{model}/versions`: makes an artifact a version of a model.

use axum::{Json, extract::State};
use host_core::{Name, ports::NewVersion};
use host_wire::version::{Register, Version};
use http::StatusCode;

use crate::{
    AppState,
    extract::{InBody, InPath},
    principal::Principal,
    problem::Problem,
};

/// Registers an artifact as a version, if it loads and answers a sample. The model is made when it does not exist.
#[utoipa::path(post, path = "/api/v1/projects/{project}/models/{model}/versions", tag = "models",
    operation_id = "register_version", params(("project" = String, Path), ("model" = String, Path)),
    request_body = Register,
    responses((status = 201, body = Version), (status = 404, body = host_wire::Problem),
        (status = 422, body = host_wire::Problem)))]
pub(crate) async fn register(
    State(state): State<AppState>,
    Principal(created_by): Principal,
    InPath((project, model)): InPath<(Name, Name)>,
    InBody(body): InBody<Register>,
) -> Result<(StatusCode, Json<Version>), Problem> {
    let _place = crate::upload::place(&state)?;
    let bytes = state.artifacts.get(&body.digest, state.config().max_model.0).await?;
    let signature = state.score.verify(&body.format, bytes).await?;
    let version = NewVersion {
        project,
        model,
        digest: body.digest,
        format: body.format,
        signature,
        metrics: body.metrics,
        description: body.description,
        run: None,
        step: None,
        origin: None,
        created_by,
    };
    Ok((StatusCode::CREATED, Json(state.models.register(version).await?.into())))
}
