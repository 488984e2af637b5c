//! `GET /api/v1/namespaces`: the namespaces there are.

use axum::{Json, extract::State};
use host_core::page::PageRequest;
use host_wire::{Page, package::Namespace};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{AppState, extract::InQuery, problem::Problem};

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

/// Lists namespaces, in order of name.
#[utoipa::path(get, path = "/api/v1/namespaces", tag = "packages", operation_id = "list_namespaces", params(Query),
    responses((status = 200, body = Page<Namespace>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<Query>,
) -> Result<Json<Page<Namespace>>, Problem> {
    let page = PageRequest { limit: query.limit, after: query.after };
    Ok(Json(state.registry.catalogue().packages().namespaces(&page).await?.into()))
}
