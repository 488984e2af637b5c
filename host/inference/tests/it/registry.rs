//! A registry and a store of artifacts in memory, as next door.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{
    Digest, Name,
    artifact::Blob,
    model::{Alias, At, ModelRef, Signature, Version, VersionId},
    ports::{ArtifactError, ArtifactStream, Artifacts, Endpoint, ModelError, Models, NewVersion},
};
use parking_lot::Mutex;

/// One model, `wine`, with versions counted from 1 and the alias `production`.
#[derive(Default)]
pub(crate) struct Registry {
    versions: Mutex<Vec<Version>>,
    production: AtomicU64,
    generation: AtomicU64,
    pub(crate) is_away: AtomicBool,
    blobs: Mutex<HashMap<Digest, Bytes>>,
    pub(crate) reads: AtomicU64,
}

fn wine() -> Name {
    "wine".parse().unwrap()
}

impl Registry {
    /// Adds a version with these bytes, unverified, and returns it.
    pub(crate) fn add(&self, bytes: Bytes) -> VersionId {
        let mut versions = self.versions.lock();
        let id = VersionId { model: wine(), number: versions.len() as u64 + 1, digest: Digest::of(&bytes) };
        self.blobs.lock().insert(id.digest, bytes);
        versions.push(Version {
            id: id.clone(),
            format: "onnx".to_owned(),
            signature: Signature::default(),
            metrics: serde_json::Map::new(),
            description: None,
            run: None,
            step: None,
            origin: None,
            created_by: "test".to_owned(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
            retired_at: None,
        });
        id
    }

    /// Moves `production`.
    pub(crate) fn promote(&self, number: u64) {
        self.production.store(number, Ordering::SeqCst);
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn here(&self) -> Result<(), ModelError> {
        if self.is_away.load(Ordering::SeqCst) { Err(ModelError::Storage("away".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl Models for Registry {
    async fn generation(&self) -> Result<u64, ModelError> {
        self.here()?;
        Ok(self.generation.load(Ordering::SeqCst))
    }

    async fn resolve(&self, _: &Name, reference: &ModelRef) -> Result<Version, ModelError> {
        self.here()?;
        let number = match &reference.at {
            At::Number(number) => *number,
            At::Default | At::Alias(_) => self.production.load(Ordering::SeqCst),
        };
        let found =
            self.versions.lock().iter().find(|it| it.id.model == reference.model && it.id.number == number).cloned();
        found.ok_or_else(|| ModelError::NotFound(reference.to_string()))
    }

    async fn register(&self, _: NewVersion) -> Result<Version, ModelError> {
        unreachable!("no test asks this of the registry")
    }

    async fn promote(&self, _: &Name, _: &Name, _: &Name, _: u64, _: &str) -> Result<Option<u64>, ModelError> {
        unreachable!("no test asks this of the registry")
    }

    async fn rollback(&self, _: &Name, _: &Name, _: &Name, _: &str) -> Result<u64, ModelError> {
        unreachable!("no test asks this of the registry")
    }

    async fn models(&self, _: &Name) -> Result<Vec<Name>, ModelError> {
        unreachable!("no test asks this of the registry")
    }

    async fn versions(&self, _: &Name, _: &Name) -> Result<Vec<Version>, ModelError> {
        unreachable!("no test asks this of the registry")
    }

    async fn aliases(&self, _: &Name, _: &Name) -> Result<Vec<Alias>, ModelError> {
        unreachable!("no test asks this of the registry")
    }

    async fn history(&self, _: &Name, _: &Name) -> Result<Vec<Alias>, ModelError> {
        unreachable!("no test asks this of the registry")
    }

    async fn serve(&self, _: &Name, _: Endpoint) -> Result<(), ModelError> {
        unreachable!("no test asks this of the registry")
    }

    async fn endpoints(&self, _: &Name) -> Result<Vec<Endpoint>, ModelError> {
        unreachable!("no test asks this of the registry")
    }
}

#[async_trait]
impl Artifacts for Registry {
    async fn get(&self, digest: &Digest, _: u64) -> Result<Bytes, ArtifactError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.blobs.lock().get(digest).cloned().ok_or(ArtifactError::NotFound(*digest))
    }

    async fn put(&self, _: Bytes) -> Result<Blob, ArtifactError> {
        unreachable!("no test asks this of the registry")
    }

    async fn put_file(&self, _: &Path) -> Result<Blob, ArtifactError> {
        unreachable!("no test asks this of the registry")
    }

    async fn put_stream(&self, _: ArtifactStream, _: u64, _: Option<Digest>) -> Result<Blob, ArtifactError> {
        unreachable!("no test asks this of the registry")
    }

    async fn stream(&self, _: &Digest) -> Result<(u64, ArtifactStream), ArtifactError> {
        unreachable!("no test asks this of the registry")
    }

    async fn materialise(&self, _: &Digest, _: &Path) -> Result<(), ArtifactError> {
        unreachable!("no test asks this of the registry")
    }

    async fn file(&self, _: &Digest) -> Result<PathBuf, ArtifactError> {
        unreachable!("no test asks this of the registry")
    }

    async fn size(&self, _: &Digest) -> Result<Option<u64>, ArtifactError> {
        unreachable!("no test asks this of the registry")
    }
}
