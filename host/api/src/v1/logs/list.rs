//! `GET /api/v1/projects/{project}/logs`: what guests wrote and logged.

use axum::{Json, extract::State};
use host_core::{CallId, Name, RunId, page::PageRequest};
use host_wire::{
    Page,
    log::{Level, LogLine},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    AppState,
    extract::{InPath, InQuery},
    problem::Problem,
};

/// Which lines are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Only those of this function.
    #[param(value_type = Option<String>)]
    function: Option<Name>,
    /// Only those of this call.
    #[param(value_type = Option<String>)]
    call: Option<CallId>,
    /// Only those of this run.
    #[param(value_type = Option<String>)]
    run: Option<RunId>,
    /// Only those of this step of the run, `name` or `name#trial`.
    step: Option<String>,
    /// Only those as loud as this, or louder.
    #[param(inline)]
    level: Option<Level>,
    /// `oldest` lines first, or `newest`.
    #[param(inline)]
    order: Option<Order>,
    /// How many at most.
    limit: Option<u32>,
    /// The `id` of the last line seen.
    after: Option<String>,
}

/// From which end lines are read.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Order {
    /// From the first line on.
    Oldest,
    /// From the last line back.
    Newest,
}

/// Lists log lines.
#[utoipa::path(get, path = "/api/v1/projects/{project}/logs", tag = "logs", operation_id = "list_logs",
    params(("project" = String, Path), Query), responses((status = 200, body = Page<LogLine>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
    InQuery(query): InQuery<Query>,
) -> Result<Json<Page<LogLine>>, Problem> {
    let filter = super::filter(query.function, query.call, query.run, query.step, query.level);
    let order = match query.order {
        Some(Order::Newest) => host_store::Order::NewestFirst,
        Some(Order::Oldest) | None => host_store::Order::OldestFirst,
    };
    let page = PageRequest { limit: query.limit, after: query.after };
    // Whoever asks after a call sees what it said, although lines are written in batches.
    state.store.recorder().flush().await;
    let page = state.store.logs(&project, &filter, order, &page).await?;
    Ok(Json(Page { items: page.items.into_iter().map(super::line).collect(), next: page.next }))
}
