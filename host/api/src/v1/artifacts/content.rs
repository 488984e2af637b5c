//! `GET /api/v1/projects/{project}/artifacts/{digest}/content`: the bytes of an artifact.

use axum::{body::Body, extract::State, response::Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use host_core::{
    Digest, Name,
    ports::{ArtifactError, ArtifactStream},
};
use http::{HeaderValue, header};

use crate::{AppState, extract::InPath, problem::Problem};

/// What a guest wrote may be a page with scripts; a browser must not run them as if they were the host's.
const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// Streams the bytes. The stream breaks off where they are damaged.
#[utoipa::path(get, path = "/api/v1/projects/{project}/artifacts/{digest}/content", tag = "artifacts",
    operation_id = "get_artifact", params(("project" = String, Path), ("digest" = String, Path)),
    responses((status = 200, content_type = "*/*", body = Vec<u8>), (status = 404, body = host_wire::Problem)))]
pub(crate) async fn content(
    State(state): State<AppState>,
    InPath((project, digest)): InPath<(Name, Digest)>,
) -> Result<Response, Problem> {
    let artifact = state.store.artifact(&project, &digest).await?;
    let (size, bytes) = state.artifacts.stream(&digest).await?;
    let mut response = Response::new(Body::from_stream(held_back(bytes)));
    let headers = response.headers_mut();
    let media_type = artifact.media_type.and_then(|it| HeaderValue::try_from(it).ok());
    let media_type = media_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable"));
    if let Ok(tag) = HeaderValue::try_from(format!("\"{digest}\"")) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Each piece waits for the one behind it: the last goes out only once all of them are known to be right, so that a
/// client never has every byte of something damaged.
fn held_back(bytes: ArtifactStream) -> impl Stream<Item = Result<Bytes, ArtifactError>> {
    stream::unfold((bytes, None), |(mut bytes, mut held)| async move {
        loop {
            match (bytes.next().await, held) {
                (Some(Ok(piece)), None) => held = Some(piece),
                (Some(Ok(piece)), Some(before)) => return Some((Ok(before), (bytes, Some(piece)))),
                (Some(Err(error)), _) => return Some((Err(error), (bytes, None))),
                (None, last) => return last.map(|last| (Ok(last), (bytes, None))),
            }
        }
    })
}
