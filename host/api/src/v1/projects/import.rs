//! `POST /api/v1/projects`: a file as a project.

use axum::{Json, body::Body, extract::State};
use host_core::Name;
use host_wire::transfer::Imported;
use http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{AppState, extract::InQuery, principal::Principal, problem::Problem, upload};

/// What becomes of the file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// The name of the project; its own, when absent.
    #[serde(rename = "as")]
    #[param(value_type = Option<String>)]
    name: Option<Name>,
}

/// Makes a project of a file that an export gave: all of it, or nothing. Identities stay, unless something of this
/// host has them; secrets have to be set by hand.
#[utoipa::path(post, path = "/api/v1/projects", tag = "projects", operation_id = "import_project", params(Query),
    request_body(content = Vec<u8>, content_type = "application/gzip"),
    responses((status = 201, body = Imported), (status = 409, body = host_wire::Problem),
        (status = 422, body = host_wire::Problem)))]
pub(crate) async fn import(
    State(state): State<AppState>,
    Principal(who): Principal,
    InQuery(query): InQuery<Query>,
    body: Body,
) -> Result<(StatusCode, Json<Imported>), Problem> {
    let _place = upload::place(&state)?;
    let most = state.config().max_artifact.0;
    let summary = state.store.import(upload::bytes(&state, body), most, query.name, &who).await?;
    if let Err(error) = state.directory.refresh().await {
        tracing::warn!(%error, "could not follow an import yet");
    }
    let host_store::Summary { project, tables, artifacts, artifact_bytes, secrets, .. } = summary;
    let imported = Imported {
        project: project.unwrap_or_else(Name::default_project),
        rows: tables.into_iter().collect(),
        artifacts: artifacts.unwrap_or(0),
        artifact_bytes,
        secrets,
    };
    Ok((StatusCode::CREATED, Json(imported)))
}
