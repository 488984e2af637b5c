//! `GET /api/v1/packages`: finds packages.

use axum::{Json, extract::State};
use host_core::{Name, page::PageRequest, ports::Search};
use host_wire::{Page, package::Package};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{AppState, extract::InQuery, problem::Problem};

/// What is searched for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Words that each must be found, in the name, a category or the description. Eight at most count.
    #[serde(default)]
    q: String,
    /// Only what is in this category.
    #[param(value_type = Option<String>)]
    category: Option<Name>,
    /// Only what is in this namespace.
    #[param(value_type = Option<String>)]
    namespace: Option<Name>,
    /// How many at most.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Finds packages that are offered: what fits by name first, then by category, then by description; the more pulled
/// first where that is equal, and those that were deprecated last.
#[utoipa::path(get, path = "/api/v1/packages", tag = "packages", operation_id = "list_packages", params(Query),
    responses((status = 200, body = Page<Package>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InQuery(query): InQuery<Query>,
) -> Result<Json<Page<Package>>, Problem> {
    let search = Search { words: Search::words_of(&query.q), category: query.category, namespace: query.namespace };
    let page = PageRequest { limit: query.limit, after: query.after };
    let found = state.registry.catalogue().packages().search(&search, &page).await?;
    Ok(Json(found.into()))
}
