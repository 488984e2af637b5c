//! `GET /api/v1/config`: what is in force, and who said so.

use axum::{Json, extract::State};
use host_wire::{Page, config::Setting};

use crate::AppState;

/// Shows every value in force, and where it came from.
#[utoipa::path(get, path = "/api/v1/config", tag = "config", operation_id = "show_config",
    responses((status = 200, body = Page<Setting>)))]
pub(crate) async fn show(State(state): State<AppState>) -> Json<Page<Setting>> {
    Json(Page::whole(state.settings.clone()))
}
