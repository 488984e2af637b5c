//! `DELETE /api/v1/tokens/{token}`: revokes a token.

use axum::{Json, extract::State};
use host_wire::token::Token;

use crate::{AppState, extract::InPath, principal::Caller, problem::Problem};

/// Revokes a token, by its id or its name: this host refuses it at once, others of the same database within a second.
#[utoipa::path(delete, path = "/api/v1/tokens/{token}", tag = "tokens", operation_id = "revoke_token",
    params(("token" = String, Path)),
    responses((status = 200, body = Token), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn revoke(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InPath(token): InPath<String>,
) -> Result<Json<Token>, Problem> {
    Ok(Json(state.store.revoke_token(&token, caller.project.as_ref(), &caller.name).await?.into()))
}
