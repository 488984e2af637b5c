//! Bytes by their digest: created once, verified when read.

use std::path::{Path, PathBuf};

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

    /// A verified file of the store's own with these bytes, for reading; `materialise` into a cache where there is none.
    async fn file(&self, digest: &Digest) -> Result<PathBuf, ArtifactError>;

    /// How many bytes the store has under the digest, if any.
    async fn size(&self, digest: &Digest) -> Result<Option<u64>, ArtifactError>;
}
