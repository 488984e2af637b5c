//! `GET /api/v1/audit`: who changed what, in every project and of the host itself.

use axum::{Json, extract::State};
use host_core::page::PageRequest;
use host_wire::{Page, audit::AuditEvent};

use super::list::Query;
use crate::{AppState, extract::InQuery, problem::Problem};

/// Lists changes of every project and of the host itself, such as its tokens, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", operation_id = "list_audit_everywhere", params(Query),
    responses((status = 200, body = Page<AuditEvent>)))]
pub(crate) async fn everywhere(
    State(state): State<AppState>,
    InQuery(query): InQuery<Query>,
) -> Result<Json<Page<AuditEvent>>, Problem> {
    let page = PageRequest { limit: query.limit, after: query.after };
    Ok(Json(state.store.audit_everywhere(query.subject.as_deref(), &page).await?.into()))
}
