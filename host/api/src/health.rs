//! `GET /healthz` and `GET /readyz`: whether the process lives, and whether it should be sent requests.

use axum::{Json, extract::State};
use host_core::ports::Recorder;
use host_wire::health::Health;
use http::StatusCode;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{AppState, metrics};

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz)).merge(metrics::routes())
}

/// Says that the process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = Health)))]
async fn healthz(State(state): State<AppState>) -> Json<Health> {
    Json(health(&state, "ok".into()))
}

/// Says whether the host should be sent requests: its database answers, and it is not shutting down.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn readyz(State(state): State<AppState>) -> (StatusCode, Json<Health>) {
    match readiness(&state).await {
        Ok(()) => (StatusCode::OK, Json(health(&state, "ok".into()))),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, Json(health(&state, why))),
    }
}

/// Why the host should not be sent requests, if so.
pub(crate) async fn readiness(state: &AppState) -> Result<(), String> {
    if state.stop.is_cancelled() {
        return Err("shutting down".into());
    }
    state.store.ping().await.map_err(|error| error.to_string())
}

fn health(state: &AppState, status: String) -> Health {
    let dropped_records = state.store.recorder().dropped();
    Health { status, release: env!("CARGO_PKG_VERSION").into(), dropped_records }
}
