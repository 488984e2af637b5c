//! A store that fails on purpose, for the tests of whoever stores bytes.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{
    Digest,
    artifact::Blob,
    ports::{ArtifactError, ArtifactStream, Artifacts, HeldFile},
};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The put of this number fails, counted from 1; those before and after it do not.
    NthPut(u64),
    /// The disk is full from the put of this number on, counted from 1.
    FullFrom(u64),
}

/// Another store, with a fault.
pub struct Failing<A> {
    inner: A,
    fault: Fault,
    puts: AtomicU64,
}

impl<A: Artifacts> Failing<A> {
    /// Wraps a store.
    pub fn new(inner: A, fault: Fault) -> Self {
        Self { inner, fault, puts: AtomicU64::new(0) }
    }

    fn put_or_fail(&self) -> Result<(), ArtifactError> {
        let number = self.puts.fetch_add(1, Ordering::SeqCst) + 1;
        match self.fault {
            Fault::NthPut(nth) if nth == number => Err(ArtifactError::Storage("the connection was reset".into())),
            Fault::FullFrom(first) if number >= first => Err(ArtifactError::Storage("no space left on device".into())),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl<A: Artifacts> Artifacts for Failing<A> {
    async fn put(&self, bytes: Bytes) -> Result<Blob, ArtifactError> {
        self.put_or_fail()?;
        self.inner.put(bytes).await
    }

    async fn put_file(&self, file: &Path) -> Result<Blob, ArtifactError> {
        self.put_or_fail()?;
        self.inner.put_file(file).await
    }

    async fn put_stream(
        &self,
        stream: ArtifactStream,
        most: u64,
        expected: Option<Digest>,
    ) -> Result<Blob, ArtifactError> {
        self.put_or_fail()?;
        self.inner.put_stream(stream, most, expected).await
    }

    async fn get(&self, digest: &Digest, most: u64) -> Result<Bytes, ArtifactError> {
        self.inner.get(digest, most).await
    }

    async fn stream(&self, digest: &Digest) -> Result<(u64, ArtifactStream), ArtifactError> {
        self.inner.stream(digest).await
    }

    async fn materialise(&self, digest: &Digest, file: &Path) -> Result<(), ArtifactError> {
        self.inner.materialise(digest, file).await
    }

    async fn file(&self, digest: &Digest) -> Result<PathBuf, ArtifactError> {
        self.inner.file(digest).await
    }

    async fn hold(&self, digest: &Digest) -> Result<HeldFile, ArtifactError> {
        self.inner.hold(digest).await
    }

    async fn size(&self, digest: &Digest) -> Result<Option<u64>, ArtifactError> {
        self.inner.size(digest).await
    }
}
