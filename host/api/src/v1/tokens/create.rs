//! `POST /api/v1/tokens`: makes a token.

use axum::{Json, extract::State};
use host_store::NewToken;
use host_wire::token::{CreateToken, CreatedToken};
use http::{HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};

use crate::{AppState, extract::InBody, principal::Caller, problem::Problem};

/// Makes a token. Its text is in this answer and nowhere else: only a digest of it is kept.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", operation_id = "create_token",
    request_body = CreateToken,
    responses((status = 201, body = CreatedToken), (status = 409, body = host_wire::Problem),
        (status = 422, body = host_wire::Problem)))]
pub(crate) async fn create(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InBody(body): InBody<CreateToken>,
) -> Result<(StatusCode, [(header::HeaderName, HeaderValue); 1], Json<CreatedToken>), Problem> {
    // Who is bound to a project means that project where they name none.
    let project = body.project.or_else(|| caller.project.clone());
    super::check(&caller, project.as_ref())?;
    let expires_at = body.expires_in.map(|it| end(state.clock.now(), it.0)).transpose()?;
    let new = NewToken { name: body.name, role: body.role.into(), project, expires_at };
    let minted = state.store.create_token(new, state.config().max_tokens, &caller.name).await?;
    let created = CreatedToken { token: minted.token.into(), text: minted.text };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(created)))
}

fn end(now: Timestamp, after_ms: u64) -> Result<Timestamp, Problem> {
    let after = i64::try_from(after_ms).ok().map(SignedDuration::from_millis);
    after.and_then(|after| now.checked_add(after).ok()).ok_or_else(|| {
        Problem::unprocessable("invalid-body", "`expires_in` reaches beyond the end of the calendar")
            .hint("leave it out for a token that does not expire")
    })
}
