//! `HEAD /api/v1/components/{digest}`: whether the bytes need not be sent.

use axum::extract::State;
use host_core::Digest;
use http::StatusCode;

use crate::{AppState, extract::InPath, problem::Problem};

/// Says whether the host has the component.
#[utoipa::path(head, path = "/api/v1/components/{digest}", tag = "components", operation_id = "head_component",
    params(("digest" = String, Path)), responses((status = 200), (status = 404)))]
pub(crate) async fn head(State(state): State<AppState>, InPath(digest): InPath<Digest>) -> Result<StatusCode, Problem> {
    let there = state.artifacts.size(&digest).await?.is_some();
    Ok(if there { StatusCode::OK } else { StatusCode::NOT_FOUND })
}
