//! `GET /api/v1/projects/{project}/functions`: the functions in service.

use axum::{Json, extract::State};
use host_core::{Name, page::PageRequest};
use host_wire::{Page, function::Function};
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

/// Lists functions, in order of name.
#[utoipa::path(get, path = "/api/v1/projects/{project}/functions", tag = "functions", operation_id = "list_functions",
    params(("project" = String, Path), Query), responses((status = 200, body = Page<Function>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
    InQuery(query): InQuery<Query>,
) -> Result<Json<Page<Function>>, Problem> {
    let page = PageRequest { limit: query.limit, after: query.after };
    let page = state.store.functions(&project, &page).await?;
    Ok(Json(page.map(|revision| Function::from(&*revision)).into()))
}
