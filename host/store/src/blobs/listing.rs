//! Everything that is stored, and taking it away: for whoever collects what nobody needs.

use futures_util::{Stream, StreamExt as _, stream};
use host_core::{Digest, ports::ArtifactError};
use jiff::Timestamp;
use object_store::{ObjectMeta, ObjectStoreExt as _, path::Path as Key};

use super::{ArtifactStore, Place, clean, key};

/// Where artifacts lie.
const FOLDER: &str = "sha256";

/// Bytes that are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    /// When they were last written, by the clock of whoever keeps them.
    pub(crate) written_at: Timestamp,
}

impl ArtifactStore {
    /// Everything there is. What lies there under a name of another shape is not ours, and left alone.
    pub(crate) fn everything(&self) -> impl Stream<Item = Result<Listed, ArtifactError>> + Send + '_ {
        let objects = self.objects().list(Some(&Key::from(FOLDER)));
        objects.filter_map(|found| async {
            match found {
                Ok(meta) => listed(&meta).map(Ok),
                // It went away while we looked.
                Err(object_store::Error::NotFound { .. }) => None,
                Err(error) => Some(Err(self.storage(&error))),
            }
        })
    }

    /// Takes bytes away for good. Whoever has their file open can read on.
    pub(crate) async fn remove(&self, digest: &Digest) -> Result<(), ArtifactError> {
        match self.objects().delete(&key(digest)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(self.storage(&error)),
        }
        match &self.inner.place {
            Place::Folder { verified, .. } => drop(verified.lock().remove(digest)),
            Place::Afar(cache) => cache.forget(digest),
        }
        Ok(())
    }

    /// Clears away what a crash has left half written.
    pub(crate) async fn clean(&self, now: Timestamp) -> usize {
        let Place::Folder { local, .. } = &self.inner.place else { return 0 };
        let Ok(folder) = local.path_to_filesystem(&Key::from(FOLDER)) else { return 0 };
        let Some(folder) = folder.parent().map(std::path::Path::to_owned) else { return 0 };
        tokio::task::spawn_blocking(move || clean::clean(&folder, now)).await.unwrap_or(0)
    }
}

/// `sha256/ab/cdef…`, read back.
fn listed(meta: &ObjectMeta) -> Option<Listed> {
    let mut parts = meta.location.parts();
    let (folder, first, rest) = (parts.next()?, parts.next()?, parts.next()?);
    if folder.as_ref() != FOLDER || first.as_ref().len() != 2 || parts.next().is_some() {
        return None;
    }
    let digest = format!("sha256:{}{}", first.as_ref(), rest.as_ref()).parse().ok()?;
    let written_at = Timestamp::from_millisecond(meta.last_modified.timestamp_millis()).ok()?;
    Some(Listed { digest, size: meta.size, written_at })
}

/// In groups of at most `most`, an error as soon as there is one.
pub(crate) fn in_groups<T: Send + 'static>(
    items: impl Stream<Item = Result<T, ArtifactError>> + Send,
    most: usize,
) -> impl Stream<Item = Result<Vec<T>, ArtifactError>> + Send {
    items.chunks(most).flat_map(|group| stream::iter([group.into_iter().collect()]))
}
