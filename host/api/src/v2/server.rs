//! `GET /v2` and `GET /v2/health/…`: what the server is, and whether it answers.

use axum::{Json, extract::State};
use host_wire::oip::{ServerLive, ServerMetadata, ServerReady};
use http::StatusCode;

use crate::{AppState, health};

/// Says what the server is.
#[utoipa::path(get, path = "/v2", tag = "inference", operation_id = "oip_server",
    responses((status = 200, body = ServerMetadata)))]
pub(crate) async fn metadata() -> Json<ServerMetadata> {
    let (name, version) = ("weft".into(), env!("CARGO_PKG_VERSION").into());
    Json(ServerMetadata { name, version, extensions: Vec::new() })
}

/// Says that the server lives.
#[utoipa::path(get, path = "/v2/health/live", tag = "inference", operation_id = "oip_server_live",
    responses((status = 200, body = ServerLive)))]
pub(crate) async fn live() -> Json<ServerLive> {
    Json(ServerLive { live: true })
}

/// Says whether the server should be sent requests.
#[utoipa::path(get, path = "/v2/health/ready", tag = "inference", operation_id = "oip_server_ready",
    responses((status = 200, body = ServerReady), (status = 503, body = ServerReady)))]
pub(crate) async fn ready(State(state): State<AppState>) -> (StatusCode, Json<ServerReady>) {
    let ready = health::readiness(&state).await.is_ok();
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(ServerReady { ready }))
}
