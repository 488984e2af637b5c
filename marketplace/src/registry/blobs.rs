//! Blobs: whether they are there, their bytes, all or a part of them, and that they go.

use std::io::SeekFrom;

use axum::body::Body;
use host_core::{
    Digest,
    range::{self, Asked},
};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};
use tokio_util::io::ReaderStream;

use super::{Call, Code, DIGEST, Refusal, Registry, empty, text};

/// How much is read from a file at once.
const CHUNK: usize = 256 << 10;

impl Registry {
    pub(super) async fn head_blob(&self, call: &Call<'_>, digest: &Digest) -> Result<Response<Body>, Refusal> {
        let size = self.size_of(call, digest).await?;
        Ok(empty(StatusCode::OK, about(digest, size)))
    }

    async fn size_of(&self, call: &Call<'_>, digest: &Digest) -> Result<u64, Refusal> {
        self.rows.blob(call.repository, digest).await?.ok_or_else(|| Refusal::blob_unknown(digest))
    }

    pub(super) async fn get_blob(&self, call: &Call<'_>, digest: &Digest) -> Result<Response<Body>, Refusal> {
        let size = self.size_of(call, digest).await?;
        match range::asked(call.headers, size, &format!("\"{digest}\"")) {
            Asked::Whole => {
                let (size, bytes) = self.artifacts.stream(digest).await?;
                self.catalogue.pulled(call.repository, digest);
                let mut response = Response::new(Body::from_stream(bytes));
                response.headers_mut().extend(about(digest, size));
                Ok(response)
            }
            Asked::Part { from, length } => {
                // Whoever goes on where they broke off has been counted.
                if from == 0 {
                    self.catalogue.pulled(call.repository, digest);
                }
                self.part(digest, from, length, size).await
            }
            Asked::Nothing => {
                let message = format!("the blob has {size} bytes, and none of them in this range");
                Err(Refusal::new(StatusCode::RANGE_NOT_SATISFIABLE, Code::SizeInvalid, message))
            }
        }
    }

    /// From a file that was hashed as a whole: a part by itself could not be checked.
    async fn part(&self, digest: &Digest, from: u64, length: u64, size: u64) -> Result<Response<Body>, Refusal> {
        let held = self.artifacts.hold(digest).await?;
        let mut file = File::open(&*held).await?;
        file.seek(SeekFrom::Start(from)).await?;
        let mut response = Response::new(Body::from_stream(ReaderStream::with_capacity(file.take(length), CHUNK)));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let headers = response.headers_mut();
        headers.extend(about(digest, length));
        headers.insert(header::CONTENT_RANGE, text(format!("bytes {from}-{}/{size}", from + length - 1)));
        Ok(response)
    }

    pub(super) async fn delete_blob(&self, call: &Call<'_>, digest: &Digest) -> Result<Response<Body>, Refusal> {
        self.rows.remove_blob(call.repository, digest, &call.who).await?;
        Ok(empty(StatusCode::ACCEPTED, []))
    }
}

fn about(digest: &Digest, length: u64) -> [(HeaderName, HeaderValue); 6] {
    [
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::ETAG, text(format!("\"{digest}\""))),
        (DIGEST, text(digest.to_string())),
    ]
}
