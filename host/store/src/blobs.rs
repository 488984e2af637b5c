//! Bytes by their digest: written once, verified when read, whatever keeps them.

mod cache;
mod clean;
mod failing;
mod held;
mod listing;
mod read;
mod write;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{
    Digest,
    artifact::Blob,
    clock::Clock,
    ports::{ArtifactError, ArtifactStream, Artifacts, HeldFile},
};
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, local::LocalFileSystem, memory::InMemory, path::Path as Key,
    prefix::PrefixStore,
};
use parking_lot::Mutex;
use uuid::Uuid;

pub use failing::{Failing, Fault};
pub(crate) use listing::{Listed, in_groups};

use crate::{
    Config, OpenError,
    error::causes,
    gc::Keeper,
    objects::{self, Address, Opened, Scheme},
};
use cache::Cache;

/// Where the store says which one it is.
const ID: &str = "store-id";

/// The bytes of artifacts, in a folder, in an object store or in memory. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct ArtifactStore {
    inner: Arc<Inner>,
}

struct Inner {
    id: Uuid,
    bytes: Opened,
    place: Place,
    /// Who is asked before bytes that are there already count as stored; nobody, until a database adopts this store.
    keeper: OnceLock<Keeper>,
}

/// How files are had of the bytes.
enum Place {
    /// They are files already.
    Folder {
        local: LocalFileSystem,
        /// Files that were read and found whole, and how they looked then.
        verified: Mutex<HashMap<Digest, read::Look>>,
    },
    /// By copies.
    Afar(Cache),
}

impl ArtifactStore {
    /// Opens what the configuration names: by default the folder `artifacts` of the data folder.
    ///
    /// # Errors
    /// When it cannot be reached or used.
    pub async fn configured(
        config: &Config,
        objects: &objects::Config,
        data: &Path,
        clock: &dyn Clock,
    ) -> Result<Self, OpenError> {
        let Some(url) = &config.artifacts else { return Self::open(&data.join("artifacts"), clock).await };
        let address: Address = url.parse().map_err(OpenError::Address)?;
        if address.scheme == Scheme::File {
            return Self::open(&address.folder(), clock).await;
        }
        let folder = data.join("cache");
        let unusable = |error: std::io::Error| OpenError::Folder { folder: folder.clone(), reason: error.to_string() };
        let cache = Cache::open(&folder, config.cache.0).map_err(unusable)?;
        let unusable = |reason: String| OpenError::Objects { address: address.to_string(), reason };
        let opened = objects::open(&address, objects).map_err(unusable)?;
        let bytes = opened.below(|objects| Arc::new(PrefixStore::new(objects, address.key())));
        let id = identify(&bytes).await.map_err(unusable)?;
        Ok(Self::new(id, bytes, Place::Afar(cache)))
    }

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
        let bytes = Opened::unguarded(Arc::new(local.clone()));
        let id = identify(&bytes).await.map_err(unusable)?;
        Ok(Self::new(id, bytes, Place::Folder { local, verified: Mutex::default() }))
    }

    /// Artifacts that live and die with this process.
    ///
    /// # Errors
    /// When there is no folder for temporary files.
    pub async fn memory() -> Result<Self, OpenError> {
        let unusable = |reason: String| OpenError::Folder { folder: std::env::temp_dir(), reason };
        let bytes = Opened::unguarded(Arc::new(InMemory::new()));
        let copies = Cache::temporary().map_err(|error| unusable(error.to_string()))?;
        let id = identify(&bytes).await.map_err(unusable)?;
        Ok(Self::new(id, bytes, Place::Afar(copies)))
    }

    fn new(id: Uuid, bytes: Opened, place: Place) -> Self {
        Self { inner: Arc::new(Inner { id, bytes, place, keeper: OnceLock::new() }) }
    }

    /// Which store this is: hosts that share a database share its artifacts, and know it by this.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.inner.id
    }

    /// From now on bytes only count as stored once `keeper` knows of it.
    pub(crate) fn kept_by(&self, keeper: Keeper) {
        // Whoever adopted it first is the database it belongs to; others were refused.
        let _ = self.inner.keeper.set(keeper);
    }

    fn objects(&self) -> &dyn ObjectStore {
        &*self.inner.bytes.objects
    }

    /// The store's words for what the object store says.
    fn failed(&self, digest: &Digest, error: &object_store::Error) -> ArtifactError {
        match error {
            object_store::Error::NotFound { .. } => ArtifactError::NotFound(*digest),
            other => self.storage(other),
        }
    }

    fn storage(&self, error: &object_store::Error) -> ArtifactError {
        ArtifactError::Storage(self.inner.bytes.said(error))
    }
}

/// Reads which store this is, or decides it.
async fn identify(bytes: &Opened) -> Result<Uuid, String> {
    let objects = &bytes.objects;
    let key = Key::from(ID);
    let mine = Uuid::now_v7();
    let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    let lost = match objects.put_opts(&key, mine.to_string().into(), create).await {
        Ok(_) => return Ok(mine),
        Err(object_store::Error::AlreadyExists { .. }) => None,
        // Perhaps only the answer was lost; then the identity is there.
        Err(error @ object_store::Error::Generic { .. }) => Some(error),
        Err(error) => return Err(bytes.said(&error)),
    };
    let found = objects.get(&key).await.map_err(|error| bytes.said(lost.as_ref().unwrap_or(&error)))?;
    let text = found.bytes().await.map_err(|error| bytes.said(&error))?;
    let text = String::from_utf8_lossy(&text);
    text.trim().parse().map_err(|_| format!("{ID} does not hold an identity"))
}

/// `sha256/ab/cdef…`
fn key(digest: &Digest) -> Key {
    let hex = digest.hex();
    let (folder, rest) = hex.split_at(2);
    Key::from(format!("sha256/{folder}/{rest}"))
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
        // Of a copy, only the path: whoever needs it to stay holds it.
        self.held_file(digest).await.map(|it| it.to_path_buf())
    }

    async fn hold(&self, digest: &Digest) -> Result<HeldFile, ArtifactError> {
        self.held_file(digest).await
    }

    async fn size(&self, digest: &Digest) -> Result<Option<u64>, ArtifactError> {
        match self.objects().head(&key(digest)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(digest, &error)),
        }
    }
}
