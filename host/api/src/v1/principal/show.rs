//! `GET /api/v1/principal`: who the host takes the asker for.

use axum::Json;
use host_wire::token::Principal;

use crate::principal::Caller;

/// Says who asks and what they may do: whether a token works, and for what.
#[utoipa::path(get, path = "/api/v1/principal", tag = "tokens", operation_id = "show_principal",
    responses((status = 200, body = Principal)))]
pub(crate) async fn show(Caller(caller): Caller) -> Json<Principal> {
    Json(caller.into())
}
