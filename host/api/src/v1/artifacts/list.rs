//! `GET /api/v1/projects/{project}/artifacts`: what runs made and people uploaded.

use axum::{Json, extract::State};
use host_core::{Name, RunId, page::PageRequest};
use host_store::ArtifactFilter;
use host_wire::{
    Page,
    artifact::{Artifact, Kind},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState,
    extract::{InPath, InQuery},
    problem::Problem,
};

/// Which artifacts are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Only those of this kind.
    #[param(inline)]
    kind: Option<Kind>,
    /// Only those of this run.
    #[param(value_type = Option<String>)]
    run: Option<RunId>,
    /// Only those of this name.
    name: Option<String>,
    /// How many at most.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Lists artifacts, newest first.
#[utoipa::path(get, path = "/api/v1/projects/{project}/artifacts", tag = "artifacts", operation_id = "list_artifacts",
    params(("project" = String, Path), Query), responses((status = 200, body = Page<Artifact>)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
    InQuery(query): InQuery<Query>,
) -> Result<Json<Page<Artifact>>, Problem> {
    let filter = ArtifactFilter { kind: query.kind.map(Into::into), run: query.run, name: query.name, digest: None };
    let page = PageRequest { limit: query.limit, after: query.after };
    Ok(Json(state.store.artifacts(&project, &filter, &page).await?.into()))
}
