//! `POST /api/v1/secrets/rekey`: seals every secret again with a new key.

use axum::{Json, extract::State};
use host_wire::secret::Rekeyed;

use crate::{AppState, principal::Principal, problem::Problem};

/// Makes a new key and seals the secrets of every project again with it, all or none. Where the key is given by
/// `WEFT_SECRET_KEY`, the first of several is the new one.
#[utoipa::path(post, path = "/api/v1/secrets/rekey", tag = "secrets", operation_id = "rekey_secrets",
    responses((status = 200, body = Rekeyed), (status = 409, body = host_wire::Problem)))]
pub(crate) async fn rekey(State(state): State<AppState>, Principal(who): Principal) -> Result<Json<Rekeyed>, Problem> {
    Ok(Json(Rekeyed { secrets: state.secrets.rekey(&who).await? }))
}
