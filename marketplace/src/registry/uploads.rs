//! Uploads: a blob in one piece, or piece by piece into a file that becomes a blob once its digest is right.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::body::Body;
use futures_util::{StreamExt as _, stream};
use host_core::{
    Digest,
    package::Repository,
    ports::{ArtifactError, ArtifactStream},
};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use parking_lot::Mutex;
use tempfile::NamedTempFile;
use tokio::{
    fs::File,
    io::AsyncWriteExt as _,
    sync::{Semaphore, SemaphorePermit},
};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::{Call, Code, Config, DIGEST, Refusal, Registry, empty, route, text};

/// How much is read from a file at once.
const CHUNK: usize = 256 << 10;
/// What an upload is known by, as Docker's clients read it.
const ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// Uploads that are not over. Each goes with its file when it is forgotten.
pub(super) struct Uploads {
    folder: Option<PathBuf>,
    most: usize,
    age: Duration,
    open: Mutex<HashMap<Uuid, Open>>,
    /// Places for those whose bytes are coming in.
    places: Semaphore,
}

struct Open {
    upload: Arc<tokio::sync::Mutex<Upload>>,
    touched: Instant,
}

/// What came of a blob so far.
pub(super) struct Upload {
    repository: Repository,
    who: String,
    file: NamedTempFile,
    size: u64,
}

impl Uploads {
    pub(super) fn new(config: &Config, folder: Option<PathBuf>) -> std::io::Result<Self> {
        let age = config.upload_age.duration();
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder)?;
            clean(folder, age)?;
        }
        let (most, open) = (config.max_uploads, Mutex::default());
        Ok(Self { folder, most, age, open, places: Semaphore::new(most) })
    }

    pub(super) fn place(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        self.places.try_acquire().map_err(|_| too_many())
    }

    fn begin(&self, repository: &Repository, who: &str) -> Result<Uuid, Refusal> {
        let file = match &self.folder {
            Some(folder) => NamedTempFile::new_in(folder)?,
            None => NamedTempFile::new()?,
        };
        let upload = Upload { repository: repository.clone(), who: who.to_owned(), file, size: 0 };
        let (mut open, now) = (self.open.lock(), Instant::now());
        open.retain(|_, it| now.saturating_duration_since(it.touched) < self.age);
        if open.len() >= self.most {
            return Err(too_many());
        }
        let id = Uuid::now_v7();
        open.insert(id, Open { upload: Arc::new(tokio::sync::Mutex::new(upload)), touched: now });
        Ok(id)
    }

    /// The upload, where it is of this repository and this publisher.
    async fn hold(&self, call: &Call<'_>, id: Uuid) -> Result<tokio::sync::OwnedMutexGuard<Upload>, Refusal> {
        let upload = {
            let mut open = self.open.lock();
            let found = open.get_mut(&id).ok_or_else(route::no_upload)?;
            found.touched = Instant::now();
            Arc::clone(&found.upload)
        };
        let upload = upload.try_lock_owned().map_err(|_| {
            let message = "another request is at this upload";
            Refusal::new(StatusCode::CONFLICT, Code::BlobUploadInvalid, message)
        })?;
        let is_theirs = upload.repository == *call.repository && upload.who == call.who.name;
        if is_theirs { Ok(upload) } else { Err(route::no_upload()) }
    }

    fn forget(&self, id: Uuid) {
        self.open.lock().remove(&id);
    }
}

fn too_many() -> Refusal {
    let message = "this registry takes no more uploads at a time; try again in a moment";
    Refusal::new(StatusCode::TOO_MANY_REQUESTS, Code::TooManyRequests, message)
}

/// Clears away what processes left there that are gone: no upload is that old.
fn clean(folder: &Path, age: Duration) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let is_old = entry.metadata()?.modified()?.elapsed().is_ok_and(|it| it > age);
        if is_old {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl Registry {
    pub(super) async fn begin_upload(&self, call: &Call<'_>, body: Body) -> Result<Response<Body>, Refusal> {
        self.rows.may_publish(call.repository, &call.who).await?;
        if let Some(digest) = call.asked.get("mount").map(route::digest).transpose()?
            && let Some(response) = self.mount(call, &digest).await?
        {
            return Ok(response);
        }
        if let Some(digest) = call.asked.digest()? {
            let _place = self.uploads.place()?;
            return self.keep(call, &digest, self.bytes(body)).await;
        }
        let id = self.uploads.begin(call.repository, &call.who.name)?;
        Ok(under_way(StatusCode::ACCEPTED, call, id, 0))
    }

    /// Takes a blob over from another repository, where that has it.
    async fn mount(&self, call: &Call<'_>, digest: &Digest) -> Result<Option<Response<Body>>, Refusal> {
        let Some(from) = call.asked.get("from").and_then(|it| it.parse::<Repository>().ok()) else { return Ok(None) };
        let Some(size) = self.rows.blob(&from, digest).await? else { return Ok(None) };
        self.rows.add_blob(call.repository, digest, size, &call.who).await?;
        Ok(Some(made(call, digest)))
    }

    /// Stores bytes that must have this digest, and names them in the repository.
    async fn keep(&self, call: &Call<'_>, digest: &Digest, bytes: ArtifactStream) -> Result<Response<Body>, Refusal> {
        let blob = self.artifacts.put_stream(bytes, self.config.max_blob.0, Some(*digest)).await?;
        self.rows.add_blob(call.repository, digest, blob.size, &call.who).await?;
        Ok(made(call, digest))
    }

    pub(super) async fn upload_status(&self, call: &Call<'_>, id: Uuid) -> Result<Response<Body>, Refusal> {
        let upload = self.uploads.hold(call, id).await?;
        Ok(under_way(StatusCode::NO_CONTENT, call, id, upload.size))
    }

    pub(super) async fn append(&self, call: &Call<'_>, id: Uuid, body: Body) -> Result<Response<Body>, Refusal> {
        let _place = self.uploads.place()?;
        let mut upload = self.uploads.hold(call, id).await?;
        if let Some(start) = start_of(call)
            && start != upload.size
        {
            return Ok(under_way(StatusCode::RANGE_NOT_SATISFIABLE, call, id, upload.size));
        }
        self.write(&mut upload, body).await?;
        Ok(under_way(StatusCode::ACCEPTED, call, id, upload.size))
    }

    pub(super) async fn finish_upload(&self, call: &Call<'_>, id: Uuid, body: Body) -> Result<Response<Body>, Refusal> {
        let digest =
            call.asked.digest()?.ok_or_else(|| Refusal::digest("say which digest the blob has, as ?digest="))?;
        let _place = self.uploads.place()?;
        let mut upload = self.uploads.hold(call, id).await?;
        if upload.size == 0 {
            // All of it comes now, and need not be written twice.
            let kept = self.keep(call, &digest, self.bytes(body)).await;
            self.uploads.forget(id);
            return kept;
        }
        self.write(&mut upload, body).await?;
        let file = File::open(upload.file.path()).await?;
        let bytes = ReaderStream::with_capacity(file, CHUNK)
            .map(|it| it.map_err(|error| ArtifactError::Storage(error.to_string())))
            .boxed();
        let kept = self.keep(call, &digest, bytes).await;
        self.uploads.forget(id);
        kept
    }

    pub(super) async fn cancel_upload(&self, call: &Call<'_>, id: Uuid) -> Result<Response<Body>, Refusal> {
        drop(self.uploads.hold(call, id).await?);
        self.uploads.forget(id);
        Ok(empty(StatusCode::NO_CONTENT, []))
    }

    /// Adds to the file. What came before it broke off stays, so that a client can go on from there.
    async fn write(&self, upload: &mut Upload, body: Body) -> Result<(), Refusal> {
        let mut file = File::options().append(true).open(upload.file.path()).await?;
        let mut bytes = self.bytes(body);
        let mut failed = None;
        while let Some(chunk) = bytes.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => {
                    failed = Some(Refusal::from(error));
                    break;
                }
            };
            if upload.size + chunk.len() as u64 > self.config.max_blob.0 {
                failed = Some(ArtifactError::TooLarge(self.config.max_blob.0).into());
                break;
            }
            file.write_all(&chunk).await?;
            upload.size += chunk.len() as u64;
        }
        file.flush().await?;
        failed.map_or(Ok(()), Err)
    }

    /// The bytes of a body, as long as they keep coming.
    fn bytes(&self, body: Body) -> ArtifactStream {
        let pause = self.config.upload_pause.duration();
        stream::unfold(Some(body.into_data_stream()), move |chunks| async move {
            let mut chunks = chunks?;
            match tokio::time::timeout(pause, chunks.next()).await {
                Ok(None) => None,
                Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(chunks))),
                Ok(Some(Err(error))) => Some((Err(ArtifactError::Source(error.to_string())), None)),
                Err(_) => Some((Err(ArtifactError::Source("nothing came for too long".into())), None)),
            }
        })
        .boxed()
    }
}

/// Where a piece begins, as its sender says: `0-1023`, or `bytes 0-1023/*`.
fn start_of(call: &Call<'_>) -> Option<u64> {
    let range = call.headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.trim_start_matches("bytes").trim().split('-').next()?.parse().ok()
}

/// How far an upload has come.
fn under_way(status: StatusCode, call: &Call<'_>, id: Uuid, size: u64) -> Response<Body> {
    let location = format!("/v2/{}/blobs/uploads/{id}", call.repository);
    let range = format!("0-{}", size.saturating_sub(1));
    empty(
        status,
        [
            (header::LOCATION, text(location)),
            (header::RANGE, text(range)),
            (ID, text(id.to_string())),
            (header::CONTENT_LENGTH, HeaderValue::from(0)),
        ],
    )
}

/// A blob is there now.
fn made(call: &Call<'_>, digest: &Digest) -> Response<Body> {
    let location = format!("/v2/{}/blobs/{digest}", call.repository);
    empty(StatusCode::CREATED, [(header::LOCATION, text(location)), (DIGEST, text(digest.to_string()))])
}
