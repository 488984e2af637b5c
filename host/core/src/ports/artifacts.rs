//! Bytes by their digest: created once, verified when read.

use std::{
    any::Any,
    ops::Deref,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::stream::BoxStream;

use crate::{Digest, artifact::Blob};

/// Why bytes could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The store has no such bytes.
    #[error("artifact {0} is not in the store")]
    NotFound(Digest),
    /// The bytes are not those of the digest any more, or are not those that were promised.
    #[error("artifact {expected} is damaged: its bytes have digest {actual}")]
    Damaged {
        /// What was asked for.
        expected: Digest,
        /// What is there.
        actual: Digest,
    },
    /// More bytes than the reader or the store allows.
    #[error("artifact has more than {0} bytes")]
    TooLarge(u64),
    /// The source of the bytes broke off.
    #[error("upload broke off: {0}")]
    Source(String),
    /// The store failed, such as a full disk.
    #[error("artifact store failed: {0}")]
    Storage(String),
}

/// Bytes as they come from the store or go to it.
pub type ArtifactStream = BoxStream<'static, Result<Bytes, ArtifactError>>;

/// A verified file of the store's own, for reading, that stays where it is for as long as this is held.
pub struct HeldFile {
    path: PathBuf,
    _hold: Option<Box<dyn Any + Send + Sync>>,
}

impl HeldFile {
    /// A file that stays because nobody takes it away.
    #[must_use]
    pub fn lasting(path: PathBuf) -> Self {
        Self { path, _hold: None }
    }

    /// A file that stays until `hold` is dropped.
    #[must_use]
    pub fn until_dropped(path: PathBuf, hold: impl Any + Send + Sync) -> Self {
        Self { path, _hold: Some(Box::new(hold)) }
    }
}

impl Deref for HeldFile {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl std::fmt::Debug for HeldFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.fmt(f)
    }
}

/// Stores and reads bytes. Storing what is there already is a success.
#[async_trait]
pub trait Artifacts: Send + Sync {
    /// Stores bytes from memory.
    async fn put(&self, bytes: Bytes) -> Result<Blob, ArtifactError>;

    /// Stores a file.
    async fn put_file(&self, file: &Path) -> Result<Blob, ArtifactError>;

    /// Stores a stream of at most `most` bytes; with `expected`, only if they have that digest.
    async fn put_stream(
        &self,
        stream: ArtifactStream,
        most: u64,
        expected: Option<Digest>,
    ) -> Result<Blob, ArtifactError>;

    /// Reads at most `most` bytes into memory, verified.
    async fn get(&self, digest: &Digest, most: u64) -> Result<Bytes, ArtifactError>;

    /// Streams the bytes; the stream ends in an error where they are damaged.
    async fn stream(&self, digest: &Digest) -> Result<(u64, ArtifactStream), ArtifactError>;

    /// Writes the bytes to a new file, verified.
    async fn materialise(&self, digest: &Digest, file: &Path) -> Result<(), ArtifactError>;

    /// A verified file of the store's own with these bytes, for reading at once; where it is a copy in a cache, it may
    /// go at any time.
    async fn file(&self, digest: &Digest) -> Result<PathBuf, ArtifactError>;

    /// The same file, kept for as long as it is held.
    async fn hold(&self, digest: &Digest) -> Result<HeldFile, ArtifactError> {
        self.file(digest).await.map(HeldFile::lasting)
    }

    /// How many bytes the store has under the digest, if any.
    async fn size(&self, digest: &Digest) -> Result<Option<u64>, ArtifactError>;
}
