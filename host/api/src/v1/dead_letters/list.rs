//! `GET /api/v1/projects/{project}/dead-letters`: events that were given up.

use axum::{Json, extract::State};
use host_core::{Name, page::PageRequest, ports::DeadLetters as _};
use host_wire::{Page, dead_letter::DeadLetter};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    extract::{InPath, InQuery},
    problem::Problem,
};

/// Which letters are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Only those of this function.
    #[param(value_type = Option<String>)]
    function: Option<Name>,
    /// Only those of triggers of this name.
    trigger: Option<String>,
    /// How many at most.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Lists events that were given up, newest first, without their keys and data.
#[utoipa::path(get, path = "/api/v1/projects/{project}/dead-letters", tag = "dead-letters",
    operation_id = "list_dead_letters", params(("project" = String, Path), Query),
    responses((status = 200, body = Page<DeadLetter>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
    InQuery(query): InQuery<Query>,
) -> Result<Json<Page<DeadLetter>>, Problem> {
    let page = PageRequest { limit: query.limit, after: query.after };
    let letters = state.store.letters(&project, query.function.as_ref(), query.trigger.as_deref(), &page).await?;
    Ok(Json(letters.map(|it| DeadLetter::from(it).listed()).into()))
}
