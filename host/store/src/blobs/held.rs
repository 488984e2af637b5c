//! Files of stored bytes: the store's own where it has files, else copies that stay while they are held.

use std::path::Path;

use futures_util::TryStreamExt as _;
use host_core::{
    Digest,
    ports::{ArtifactError, HeldFile},
};

use super::{
    ArtifactStore, Place, broken,
    cache::Cache,
    read::{self, Look, check},
};

/// How many files are remembered as whole.
const REMEMBERED: usize = 65_536;

impl ArtifactStore {
    /// A verified file of these bytes.
    pub(super) async fn held_file(&self, digest: &Digest) -> Result<HeldFile, ArtifactError> {
        match &self.inner.place {
            Place::Folder { local, verified } => {
                let path =
                    local.path_to_filesystem(&super::key(digest)).map_err(|error| self.failed(digest, &error))?;
                let before = verified.lock().get(digest).copied();
                let look = verify(digest, &path, before).await?;
                let mut verified = verified.lock();
                if verified.len() >= REMEMBERED {
                    verified.clear();
                }
                verified.insert(*digest, look);
                Ok(HeldFile::lasting(path))
            }
            Place::Afar(cache) => self.copy(cache, digest).await,
        }
    }

    /// The copy there is, or one made now, once for all who ask.
    async fn copy(&self, cache: &Cache, digest: &Digest) -> Result<HeldFile, ArtifactError> {
        let fetching = cache.fetching(digest);
        let _alone = fetching.lock().await;
        if let Some(held) = self.whole_copy(cache, digest).await {
            return Ok(held);
        }
        let (_, mut stream) = self.read_afar(digest).await?;
        let mut draft = cache.draft().await.map_err(|error| broken(&error))?;
        while let Some(chunk) = stream.try_next().await? {
            draft.write(&chunk).await.map_err(|error| broken(&error))?;
        }
        cache.keep(draft, *digest).await.map_err(|error| broken(&error))
    }

    /// The copy there is. One that is damaged is let go of: the bytes themselves may well be whole.
    pub(super) async fn whole_copy(&self, cache: &Cache, digest: &Digest) -> Option<HeldFile> {
        let (held, before) = cache.take(digest)?;
        match verify(digest, &held, before).await {
            Ok(look) => {
                cache.found_whole(digest, look);
                Some(held)
            }
            Err(error) => {
                tracing::warn!(%digest, %error, "a copy in the cache is damaged, and is fetched anew");
                cache.forget(digest);
                None
            }
        }
    }
}

/// Hashes a file, unless it looks as it did when it was last found whole.
async fn verify(digest: &Digest, path: &Path, before: Option<Look>) -> Result<Look, ArtifactError> {
    let meta = tokio::fs::metadata(path).await.map_err(|error| read::missing(digest, &error))?;
    let look = Look::of(&meta);
    if before == Some(look) {
        return Ok(look);
    }
    let file = path.to_owned();
    let actual = tokio::task::spawn_blocking(move || read::hash(&file)).await;
    let actual = actual.map_err(|error| ArtifactError::Storage(error.to_string()))?;
    check(digest, actual.map_err(|error| read::missing(digest, &error))?)?;
    Ok(look)
}
