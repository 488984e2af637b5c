//! `GET /api/v1/projects/{project}/runs`: runs, newest first.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use host_core::{Name, page::PageRequest, ports::RunFilter};
use host_wire::{
    Page,
    run::{Run, RunState},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    extract::{InPath, InQuery},
    problem::Problem,
};

/// Which runs are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Only those in this state.
    #[param(inline)]
    state: Option<RunState>,
    /// Only those of this pipeline or function.
    name: Option<String>,
    /// Only those with these labels: `name=value`, several separated by commas.
    labels: Option<String>,
    /// How many at most.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Lists runs, newest first.
#[utoipa::path(get, path = "/api/v1/projects/{project}/runs", tag = "runs", operation_id = "list_runs",
    params(("project" = String, Path), Query), responses((status = 200, body = Page<Run>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
    InQuery(query): InQuery<Query>,
) -> Result<Json<Page<Run>>, Problem> {
    let labels = labels(query.labels.as_deref().unwrap_or_default())?;
    let filter = RunFilter { state: query.state.map(Into::into), name: query.name, labels };
    let page = PageRequest { limit: query.limit, after: query.after };
    Ok(Json(state.runs.journal().runs(&project, &filter, &page).await?.into()))
}

fn labels(text: &str) -> Result<BTreeMap<String, String>, Problem> {
    let pairs = text.split(',').filter(|it| !it.is_empty());
    let label = |pair: &str| {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            let detail = format!("`{pair}` is not a label: write name=value");
            Problem::new(http::StatusCode::BAD_REQUEST, "invalid-query", detail)
        })?;
        Ok((name.to_owned(), value.to_owned()))
    };
    pairs.map(label).collect()
}
