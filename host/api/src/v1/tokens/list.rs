//! `GET /api/v1/tokens`: the tokens there are and were.

use axum::{Json, extract::State};
use host_core::page::PageRequest;
use host_wire::{Page, token::Token};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{AppState, extract::InQuery, principal::Caller, problem::Problem};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// How many at most.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Lists tokens, newest first, those revoked and expired included. Whoever is bound to a project sees those for it.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", operation_id = "list_tokens", params(Query),
    responses((status = 200, body = Page<Token>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    Caller(caller): Caller,
    InQuery(query): InQuery<Query>,
) -> Result<Json<Page<Token>>, Problem> {
    let page = PageRequest { limit: query.limit, after: query.after };
    let page = state.store.tokens(caller.project.as_ref(), &page).await?;
    Ok(Json(page.map(Token::from).into()))
}
