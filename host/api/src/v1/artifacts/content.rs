//! `GET /api/v1/projects/{project}/artifacts/{digest}/content`: the bytes of an artifact.

use std::io::SeekFrom;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use host_core::{
    Digest, Name,
    ports::{ArtifactError, ArtifactStream},
    range::{self, Asked},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};
use tokio_util::io::ReaderStream;

use crate::{AppState, extract::InPath, problem::Problem};

/// How much is read from a file at once.
const CHUNK: usize = 256 << 10;

/// What a guest wrote may be a page with scripts; a browser must not run them as if they were the host's.
const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// Streams the bytes. The stream breaks off where they are damaged. One range of them can be asked for, too.
#[utoipa::path(get, path = "/api/v1/projects/{project}/artifacts/{digest}/content", tag = "artifacts",
    operation_id = "get_artifact", params(("project" = String, Path), ("digest" = String, Path)),
    responses((status = 200, content_type = "*/*", body = Vec<u8>), (status = 206, content_type = "*/*", body = Vec<u8>),
        (status = 404, body = host_wire::Problem), (status = 416, body = host_wire::Problem)))]
pub(crate) async fn content(
    State(state): State<AppState>,
    InPath((project, digest)): InPath<(Name, Digest)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let artifact = state.store.artifact(&project, &digest).await?;
    let tag = format!("\"{digest}\"");
    let mut response = match range::asked(&headers, artifact.size, &tag) {
        Asked::Whole => whole(&state, &digest).await?,
        Asked::Part { from, length } => part(&state, &digest, from, length, artifact.size).await?,
        Asked::Nothing => return Ok(nothing(artifact.size)),
    };
    let headers = response.headers_mut();
    let media_type = artifact.media_type.and_then(|it| HeaderValue::try_from(it).ok());
    let media_type = media_type.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_TYPE, media_type);
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=31536000, immutable"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

async fn whole(state: &AppState, digest: &Digest) -> Result<Response, Problem> {
    let (size, bytes) = state.artifacts.stream(digest).await?;
    let mut response = Response::new(Body::from_stream(held_back(bytes)));
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    Ok(response)
}

/// From a file that was hashed as a whole: a part by itself could not be checked.
async fn part(state: &AppState, digest: &Digest, from: u64, length: u64, size: u64) -> Result<Response, Problem> {
    let held = state.artifacts.hold(digest).await?;
    let failed = |error: std::io::Error| Problem::from(ArtifactError::Storage(error.to_string()));
    let mut file = File::open(&*held).await.map_err(failed)?;
    file.seek(SeekFrom::Start(from)).await.map_err(failed)?;
    let mut response = Response::new(Body::from_stream(ReaderStream::with_capacity(file.take(length), CHUNK)));
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    let range = format!("bytes {from}-{}/{size}", from + length - 1);
    if let Ok(range) = HeaderValue::try_from(range) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

fn nothing(size: u64) -> Response {
    let detail = format!("the artifact has {size} bytes, and none of them in this range");
    let mut response = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "no-such-range", detail).into_response();
    if let Ok(range) = HeaderValue::try_from(format!("bytes */{size}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
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
