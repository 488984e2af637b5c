//! Reading: nothing is believed to be what its name says until it has been hashed.

use std::{fs::Metadata, io::Read as _, path::Path, time::SystemTime};

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

use super::{ArtifactStore, Place, broken, key};

/// How much is read from a file at once.
const CHUNK: usize = 256 << 10;

/// How a file looked when it was found whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    size: u64,
    modified: Option<SystemTime>,
}

impl Look {
    pub(super) fn of(meta: &Metadata) -> Self {
        Self { size: meta.len(), modified: meta.modified().ok() }
    }
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
        let (size, stream) = self.read_stream(digest).await?;
        if size > most {
            return Err(ArtifactError::TooLarge(most));
        }
        let mut whole = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        // Damaged bytes may well be more than they say.
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut stream = std::pin::pin!(stream);
        while let Some(chunk) = stream.try_next().await? {
            if whole.len().saturating_add(chunk.len()) > most {
                return Err(ArtifactError::TooLarge(most as u64));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.into())
    }

    pub(super) async fn read_stream(&self, digest: &Digest) -> Result<(u64, ArtifactStream), ArtifactError> {
        match &self.inner.place {
            Place::Folder { local, .. } => {
                let path = local.path_to_filesystem(&key(digest)).map_err(|error| self.failed(digest, &error))?;
                let (size, stream) = open(digest, &path).await?;
                Ok((size, verified(*digest, stream)))
            }
            Place::Afar(cache) => match self.whole_copy(cache, digest).await {
                // Open already, so it may go from the cache.
                Some(held) => open(digest, &held).await,
                None => self.read_afar(digest).await,
            },
        }
    }

    /// The bytes from whoever keeps them. What breaks off is asked for again from there, within bounds.
    pub(super) async fn read_afar(&self, digest: &Digest) -> Result<(u64, ArtifactStream), ArtifactError> {
        let found = self.objects().get(&key(digest)).await.map_err(|error| self.failed(digest, &error))?;
        let (size, this) = (found.meta.size, self.clone());
        let stream = found.into_stream().map_err(move |error| this.storage(&error));
        Ok((size, verified(*digest, complete(size, stream.boxed()))))
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
}

async fn open(digest: &Digest, path: &Path) -> Result<(u64, ArtifactStream), ArtifactError> {
    let file = File::open(path).await.map_err(|error| missing(digest, &error))?;
    let size = file.metadata().await.map_err(|error| broken(&error))?.len();
    let stream = ReaderStream::with_capacity(file, CHUNK).map_err(|error| broken(&error));
    Ok((size, stream.boxed()))
}

/// The same bytes, with an error where they end too early: the connection's fault, and no damage.
fn complete(size: u64, stream: ArtifactStream) -> ArtifactStream {
    let counted = futures_util::stream::try_unfold((stream, 0_u64), move |(mut stream, seen)| async move {
        match stream.try_next().await? {
            Some(chunk) => {
                let seen = seen + chunk.len() as u64;
                Ok(Some((chunk, (stream, seen))))
            }
            None if seen < size => Err(ArtifactError::Storage(format!("it broke off after {seen} of {size} bytes"))),
            None => Ok(None),
        }
    });
    counted.boxed()
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

/// Writes all of a stream to a new file.
async fn pour(mut stream: ArtifactStream, target: &mut File) -> Result<(), ArtifactError> {
    while let Some(chunk) = stream.try_next().await? {
        target.write_all(&chunk).await.map_err(|error| broken(&error))?;
    }
    target.flush().await.map_err(|error| broken(&error))
}

pub(super) fn hash(file: &Path) -> std::io::Result<Digest> {
    let mut file = std::fs::File::open(file)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest::from_raw(hash.finalize().into())),
            count => hash.update(&buffer[..count]),
        }
    }
}

pub(super) fn check(expected: &Digest, actual: Digest) -> Result<(), ArtifactError> {
    if *expected == actual { Ok(()) } else { Err(ArtifactError::Damaged { expected: *expected, actual }) }
}

pub(super) fn missing(digest: &Digest, error: &std::io::Error) -> ArtifactError {
    if error.kind() == std::io::ErrorKind::NotFound { ArtifactError::NotFound(*digest) } else { broken(error) }
}
