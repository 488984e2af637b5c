//! `GET /api/v1/projects/{project}/functions/{name}/revisions`: every revision of a function.

use axum::{Json, extract::State};
use host_core::{Name, page::PageRequest};
use host_wire::{Page, revision::Revision};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    extract::{InPath, InQuery},
    problem::Problem,
};

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

/// Lists revisions, newest first.
#[utoipa::path(get, path = "/api/v1/projects/{project}/functions/{name}/revisions", tag = "revisions",
    operation_id = "list_revisions", params(("project" = String, Path), ("name" = String, Path), Query),
    responses((status = 200, body = Page<Revision>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath((project, name)): InPath<(Name, Name)>,
    InQuery(query): InQuery<Query>,
) -> Result<Json<Page<Revision>>, Problem> {
    let page = PageRequest { limit: query.limit, after: query.after };
    let page = state.store.revisions(&project, &name, &page).await?;
    Ok(Json(page.map(|revision| Revision::from(&*revision)).into()))
}
