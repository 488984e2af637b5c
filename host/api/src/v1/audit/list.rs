//! `GET /api/v1/projects/{project}/audit`: who changed what.

use axum::{Json, extract::State};
use host_core::{Name, page::PageRequest};
use host_wire::{Page, audit::AuditEvent};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    extract::{InPath, InQuery},
    problem::Problem,
};

/// Which changes are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Only those of this subject, such as a function's name.
    pub(super) subject: Option<String>,
    /// How many at most.
    pub(super) limit: Option<u32>,
    /// The `next` of the page before.
    pub(super) after: Option<String>,
}

/// Lists changes, newest first.
#[utoipa::path(get, path = "/api/v1/projects/{project}/audit", tag = "audit", operation_id = "list_audit",
    params(("project" = String, Path), Query), responses((status = 200, body = Page<AuditEvent>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
    InQuery(query): InQuery<Query>,
) -> Result<Json<Page<AuditEvent>>, Problem> {
    let page = PageRequest { limit: query.limit, after: query.after };
    Ok(Json(state.store.audit(&project, query.subject.as_deref(), &page).await?.into()))
}
