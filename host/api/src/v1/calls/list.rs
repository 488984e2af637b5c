//! `GET /api/v1/projects/{project}/calls`: calls on record.

use axum::{Json, extract::State};
use host_core::{Name, page::PageRequest};
use host_store::CallFilter;
use host_wire::{
    Page,
    call::{Call, Verdict},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    extract::{InPath, InQuery},
    problem::Problem,
};

/// Which calls are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Only those of this function.
    #[param(value_type = Option<String>)]
    function: Option<Name>,
    /// Only those that ended so.
    #[param(inline)]
    verdict: Option<Verdict>,
    /// Only those admitted at this time or later.
    since: Option<jiff::Timestamp>,
    /// How many at most.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Lists calls, newest first: those that the record policy of their function keeps.
#[utoipa::path(get, path = "/api/v1/projects/{project}/calls", tag = "calls", operation_id = "list_calls",
    params(("project" = String, Path), Query), responses((status = 200, body = Page<Call>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
    InQuery(query): InQuery<Query>,
) -> Result<Json<Page<Call>>, Problem> {
    let filter = CallFilter { function: query.function, verdict: query.verdict.map(Into::into), since: query.since };
    let page = PageRequest { limit: query.limit, after: query.after };
    // Whoever asks after a call finds it, although records are written in batches.
    state.store.recorder().flush().await;
    Ok(Json(state.store.calls(&project, &filter, &page).await?.into()))
}
