//! `POST /api/v1/projects/{project}/artifacts`: uploads bytes as an artifact.

use axum::{Json, body::Body, extract::State};
use host_core::{Name, artifact};
use host_wire::artifact::{Artifact, Kind};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use crate::{
    AppState,
    extract::{InPath, InQuery},
    problem::Problem,
    upload,
};

/// The longest name that is taken.
const LONGEST_NAME: usize = 200;

/// What the bytes are.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Query {
    /// Their name.
    name: String,
    /// What they are for.
    #[serde(default)]
    #[param(inline)]
    kind: Kind,
}

/// Stores the body as an artifact that no run made. Its media type is the body's.
#[utoipa::path(post, path = "/api/v1/projects/{project}/artifacts", tag = "artifacts",
    operation_id = "upload_artifact", params(("project" = String, Path), Query),
    request_body(content = Vec<u8>, content_type = "*/*"),
    responses((status = 201, body = Artifact), (status = 413, body = host_wire::Problem)))]
pub(crate) async fn upload(
    State(state): State<AppState>,
    InPath(project): InPath<Name>,
    InQuery(query): InQuery<Query>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Artifact>), Problem> {
    if query.name.is_empty() || query.name.len() > LONGEST_NAME || query.name.contains(char::is_control) {
        let detail = format!("the name of an artifact has 1 to {LONGEST_NAME} characters");
        return Err(Problem::unprocessable("invalid-name", detail));
    }
    let _place = upload::place(&state)?;
    let most = state.config().max_artifact.0;
    let blob = state.artifacts.put_stream(upload::bytes(&state, body), most, None).await?;
    let artifact = artifact::Artifact {
        digest: blob.digest,
        size: blob.size,
        project,
        name: query.name,
        kind: query.kind.into(),
        media_type: headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).map(str::to_owned),
        metadata: Value::Object(Map::new()),
        run: None,
        step: None,
        created_at: state.clock.now(),
    };
    state.store.add_artifact(&artifact).await?;
    Ok((StatusCode::CREATED, Json(artifact.into())))
}
