//! `PUT /api/v1/components/{digest}`: sends the bytes of a component.

use axum::{Json, body::Body, extract::State};
use host_core::Digest;
use host_wire::component::Blob;
use http::StatusCode;

use crate::{AppState, extract::InPath, problem::Problem, upload};

/// Stores the bytes, if they have that digest. Sending what is there already changes nothing.
#[utoipa::path(put, path = "/api/v1/components/{digest}", tag = "components", operation_id = "put_component",
    params(("digest" = String, Path)),
    request_body(content = Vec<u8>, content_type = "application/wasm"),
    responses((status = 201, body = Blob), (status = 413, body = host_wire::Problem),
        (status = 422, body = host_wire::Problem)))]
pub(crate) async fn put(
    State(state): State<AppState>,
    InPath(digest): InPath<Digest>,
    body: Body,
) -> Result<(StatusCode, Json<Blob>), Problem> {
    let _place = upload::place(&state)?;
    let most = state.config().max_component.0;
    let blob = state.artifacts.put_stream(upload::bytes(&state, body), most, Some(digest)).await?;
    Ok((StatusCode::CREATED, Json(blob.into())))
}
