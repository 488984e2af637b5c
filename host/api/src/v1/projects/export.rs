//! `GET /api/v1/projects/{project}/export`: a project as one file.

use axum::{extract::State, response::Response};
use host_core::Name;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    AppState, archive,
    extract::{InPath, InQuery},
    problem::Problem,
};

/// What goes into the file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Whether runs that are over go along, with what they made.
    #[serde(default = "yes")]
    #[param(default = true)]
    runs: bool,
}

fn yes() -> bool {
    true
}

/// Gives a project as a file: functions with their revisions and components, models with their versions and aliases,
/// endpoints, uploads, and runs. Of secrets only the names are in it.
#[utoipa::path(get, path = "/api/v1/projects/{project}/export", tag = "projects", operation_id = "export_project",
    params(("project" = String, Path), Query),
    responses((status = 200, content_type = "application/gzip", body = Vec<u8>),
        (status = 404, body = host_wire::Problem)))]
pub(crate) async fn export(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
    InQuery(query): InQuery<Query>,
) -> Result<Response, Problem> {
    let place = archive::place(&state)?;
    let export = state.store.export(project, query.runs, env!("CARGO_PKG_VERSION")).await?;
    Ok(archive::respond(place, "weft-project.tar.gz", move |out| export.write(out)))
}
