//! Reading: nothing is believed to be what its name says until it has been hashed.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use host_core::{
    Digest,
    ports::{ArtifactError, ArtifactStream},
};
use object_store::ObjectStoreExt as _;
use sha2::{Digest as _, Sha256};
use tokio::{fs::File, io::AsyncWriteExt as _};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::{ArtifactStore, broken, failed, key};
use crate::error::causes;

/// How much is read from a file at once.
const CHUNK: usize = 256 << 10;
/// How many files are remembered as whole.
const REMEMBERED: usize = 65_536;

/// How a file looked when it was found whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    size: u64,
    modified: Option<SystemTime>,
}

/// A file's bytes as they come.
pub(super) async fn file_stream(file: &Path) -> Result<ArtifactStream, ArtifactError> {
    let named = |error: &std::io::Error| ArtifactError::Source(format!("{}: {error}", file.display()));
    let open = File::open(file).await.map_err(|error| named(&error))?;
    let name = file.display().to_string();
    let stream = ReaderStream::with_capacity(open, CHUNK);
    Ok(stream.map_err(move |error| ArtifactError::Source(format!("{name}: {error}"))).boxed())
}

impl ArtifactStore {
    pub(super) async fn read_whole(&self, digest: &Digest, most: u64) -> Result<Bytes, ArtifactError> {
        let found = self.objects().get(&key(digest)).await.map_err(|error| failed(digest, &error))?;
        if found.meta.size > most {
            return Err(ArtifactError::TooLarge(most));
        }
        let bytes = found.bytes().await.map_err(|error| failed(digest, &error))?;
        let whole = bytes.clone();
        let actual = tokio::task::spawn_blocking(move || Digest::of(&whole)).await;
        check(digest, actual.map_err(|error| ArtifactError::Storage(error.to_string()))?)?;
        Ok(bytes)
    }

    pub(super) async fn read_stream(&self, digest: &Digest) -> Result<(u64, ArtifactStream), ArtifactError> {
        let (size, stream) = self.raw_stream(digest).await?;
        Ok((size, verified(*digest, stream)))
    }

    async fn raw_stream(&self, digest: &Digest) -> Result<(u64, ArtifactStream), ArtifactError> {
        if let Some(path) = self.path(digest)? {
            let file = File::open(&path).await.map_err(|error| missing(digest, &error))?;
            let size = file.metadata().await.map_err(|error| broken(&error))?.len();
            let stream = ReaderStream::with_capacity(file, CHUNK).map_err(|error| broken(&error));
            return Ok((size, stream.boxed()));
        }
        let found = self.objects().get(&key(digest)).await.map_err(|error| failed(digest, &error))?;
        let size = found.meta.size;
        Ok((size, found.into_stream().map_err(|error| ArtifactError::Storage(causes(&error))).boxed()))
    }

    pub(super) async fn copy_to(&self, digest: &Digest, file: &Path) -> Result<(), ArtifactError> {
        let (_, stream) = self.read_stream(digest).await?;
        let mut target = File::create_new(file).await.map_err(|error| broken(&error))?;
        let copied = pour(stream, &mut target).await;
        if copied.is_err() {
            // Half a file is worse than none.
            let _ = tokio::fs::remove_file(file).await;
        }
        copied
    }

    pub(super) async fn verified_file(&self, digest: &Digest) -> Result<PathBuf, ArtifactError> {
        let path = match self.path(digest)? {
            Some(path) => path,
            None => self.copy(digest).await?,
        };
        let look = look(digest, &path).await?;
        if self.inner.verified.lock().get(digest) == Some(&look) {
            return Ok(path);
        }
        let file = path.clone();
        let actual = tokio::task::spawn_blocking(move || hash(&file)).await;
        let actual = actual.map_err(|error| ArtifactError::Storage(error.to_string()))?;
        check(digest, actual.map_err(|error| missing(digest, &error))?)?;
        self.remember(*digest, look);
        Ok(path)
    }

    fn remember(&self, digest: Digest, look: Look) {
        let mut verified = self.inner.verified.lock();
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(digest, look);
    }

    /// The store's own file, where its bytes are files.
    fn path(&self, digest: &Digest) -> Result<Option<PathBuf>, ArtifactError> {
        let local = self.inner.local.as_ref();
        local.map(|it| it.path_to_filesystem(&key(digest))).transpose().map_err(|error| failed(digest, &error))
    }

    /// A copy of bytes that are no file, made once.
    async fn copy(&self, digest: &Digest) -> Result<PathBuf, ArtifactError> {
        let Some(folder) = &self.inner.copies else {
            return Err(ArtifactError::Storage("there is no folder for copies".into()));
        };
        let copy = folder.path().join(digest.hex());
        if tokio::fs::try_exists(&copy).await.map_err(|error| broken(&error))? {
            return Ok(copy);
        }
        let draft = folder.path().join(Uuid::now_v7().to_string());
        self.copy_to(digest, &draft).await?;
        tokio::fs::rename(&draft, &copy).await.map_err(|error| broken(&error))?;
        Ok(copy)
    }
}

/// The same bytes, with an error at the end where they were not those of the digest.
fn verified(expected: Digest, stream: ArtifactStream) -> ArtifactStream {
    let start = (stream, Some(Sha256::new()));
    let verified = futures_util::stream::try_unfold(start, move |(mut stream, hash)| async move {
        let Some(mut hash) = hash else { return Ok(None) };
        match stream.try_next().await? {
            Some(chunk) => {
                hash.update(&chunk);
                Ok(Some((chunk, (stream, Some(hash)))))
            }
            None => {
                check(&expected, Digest::from_raw(hash.finalize().into()))?;
                Ok(None)
            }
        }
    });
    verified.boxed()
}

async fn pour(mut stream: ArtifactStream, target: &mut File) -> Result<(), ArtifactError> {
    while let Some(chunk) = stream.try_next().await? {
        target.write_all(&chunk).await.map_err(|error| broken(&error))?;
    }
    target.flush().await.map_err(|error| broken(&error))
}

async fn look(digest: &Digest, path: &Path) -> Result<Look, ArtifactError> {
    let meta = tokio::fs::metadata(path).await.map_err(|error| missing(digest, &error))?;
    Ok(Look { size: meta.len(), modified: meta.modified().ok() })
}

fn hash(file: &Path) -> std::io::Result<Digest> {
    let mut file = std::fs::File::open(file)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest::from_raw(hash.finalize().into())),
            count => hash.update(&buffer[..count]),
        }
    }
}

fn check(expected: &Digest, actual: Digest) -> Result<(), ArtifactError> {
    if *expected == actual { Ok(()) } else { Err(ArtifactError::Damaged { expected: *expected, actual }) }
}

fn missing(digest: &Digest, error: &std::io::Error) -> ArtifactError {
    if error.kind() == std::io::ErrorKind::NotFound { ArtifactError::NotFound(*digest) } else { broken(error) }
}
