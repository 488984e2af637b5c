//! Bytes by their digest: written once, verified when read, whatever keeps them.

mod clean;
mod failing;
mod read;
mod write;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{
    Digest,
    artifact::Blob,
    clock::Clock,
    ports::{ArtifactError, ArtifactStream, Artifacts},
};
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, local::LocalFileSystem, memory::InMemory, path::Path as Key,
};
use parking_lot::Mutex;
use tempfile::TempDir;
use uuid::Uuid;

pub use failing::{Failing, Fault};

use crate::{OpenError, error::causes};

/// Where the store says which one it is.
const ID: &str = "store-id";

/// The bytes of artifacts, in a folder or in memory. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct ArtifactStore {
    inner: Arc<Inner>,
}

struct Inner {
    id: Uuid,
    objects: Arc<dyn ObjectStore>,
    /// The folder, where the bytes are files.
    local: Option<LocalFileSystem>,
    /// Where copies are kept for those who need files, where the bytes are none.
    copies: Option<TempDir>,
    /// Files that were read and found whole, and how they looked then.
    verified: Mutex<HashMap<Digest, read::Look>>,
}

impl ArtifactStore {
    /// Opens a folder of artifacts, which is made when it is not there, and clears away what a crash has left half written.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub async fn open(folder: &Path, clock: &dyn Clock) -> Result<Self, OpenError> {
        let unusable = |reason: String| OpenError::Folder { folder: folder.to_owned(), reason };
        std::fs::create_dir_all(folder).map_err(|error| unusable(error.to_string()))?;
        let local =
            LocalFileSystem::new_with_prefix(folder).map_err(|error| unusable(causes(&error)))?.with_fsync(true);
        clean::start(folder.to_owned(), clock.now());
        let objects: Arc<dyn ObjectStore> = Arc::new(local.clone());
        let id = identify(&*objects).await.map_err(unusable)?;
        Ok(Self {
            inner: Arc::new(Inner { id, objects, local: Some(local), copies: None, verified: Mutex::default() }),
        })
    }

    /// Artifacts that live and die with this process.
    ///
    /// # Errors
    /// When there is no folder for temporary files.
    pub async fn memory() -> Result<Self, OpenError> {
        let unusable = |reason: String| OpenError::Folder { folder: std::env::temp_dir(), reason };
        let objects: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let copies = Some(tempfile::tempdir().map_err(|error| unusable(error.to_string()))?);
        let id = identify(&*objects).await.map_err(unusable)?;
        Ok(Self { inner: Arc::new(Inner { id, objects, local: None, copies, verified: Mutex::default() }) })
    }

    /// Which store this is: hosts that share a database share its artifacts, and know it by this.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.inner.id
    }

    fn objects(&self) -> &dyn ObjectStore {
        &*self.inner.objects
    }
}

/// Reads which store this is, or decides it.
async fn identify(objects: &dyn ObjectStore) -> Result<Uuid, String> {
    let key = Key::from(ID);
    let mine = Uuid::now_v7();
    let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    match objects.put_opts(&key, mine.to_string().into(), create).await {
        Ok(_) => return Ok(mine),
        Err(object_store::Error::AlreadyExists { .. }) => {}
        Err(error) => return Err(causes(&error)),
    }
    let found = objects.get(&key).await.map_err(|error| causes(&error))?;
    let text = found.bytes().await.map_err(|error| causes(&error))?;
    let text = String::from_utf8_lossy(&text);
    text.trim().parse().map_err(|_| format!("{ID} does not hold an identity"))
}

/// `sha256/ab/cdef…`
fn key(digest: &Digest) -> Key {
    let hex = digest.hex();
    let (folder, rest) = hex.split_at(2);
    Key::from(format!("sha256/{folder}/{rest}"))
}

/// The store's words for what the object store says.
fn failed(digest: &Digest, error: &object_store::Error) -> ArtifactError {
    match error {
        object_store::Error::NotFound { .. } => ArtifactError::NotFound(*digest),
        other => ArtifactError::Storage(causes(other)),
    }
}

fn broken(error: &std::io::Error) -> ArtifactError {
    ArtifactError::Storage(error.to_string())
}

#[async_trait]
impl Artifacts for ArtifactStore {
    async fn put(&self, bytes: Bytes) -> Result<Blob, ArtifactError> {
        self.write_whole(vec![bytes]).await
    }

    async fn put_file(&self, file: &Path) -> Result<Blob, ArtifactError> {
        self.write_stream(read::file_stream(file).await?, u64::MAX, None).await
    }

    async fn put_stream(
        &self,
        stream: ArtifactStream,
        most: u64,
        expected: Option<Digest>,
    ) -> Result<Blob, ArtifactError> {
        self.write_stream(stream, most, expected).await
    }

    async fn get(&self, digest: &Digest, most: u64) -> Result<Bytes, ArtifactError> {
        self.read_whole(digest, most).await
    }

    async fn stream(&self, digest: &Digest) -> Result<(u64, ArtifactStream), ArtifactError> {
        self.read_stream(digest).await
    }

    async fn materialise(&self, digest: &Digest, file: &Path) -> Result<(), ArtifactError> {
        self.copy_to(digest, file).await
    }

    async fn file(&self, digest: &Digest) -> Result<PathBuf, ArtifactError> {
        self.verified_file(digest).await
    }

    async fn size(&self, digest: &Digest) -> Result<Option<u64>, ArtifactError> {
        match self.objects().head(&key(digest)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(digest, &error)),
        }
    }
}
