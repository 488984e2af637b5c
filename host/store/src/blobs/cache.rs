//! Copies of bytes on this machine's disk, up to a bound: who was used last stays longest, and what is in use stays.
//!
//! A copy gets its name only once it is whole, and is hashed again before its first use by this process, so that a
//! crash at any moment leaves nothing that is believed.

mod drafts;
mod shelf;

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::SystemTime,
};

use host_core::{Digest, ports::HeldFile};
use parking_lot::Mutex;
use tempfile::TempDir;

pub(super) use drafts::Draft;
use shelf::Shelf;

use super::read::Look;

/// How many hosts of one data folder may have a cache there.
const NEIGHBOURS: u32 = 64;

/// Copies on this machine's disk.
pub(super) struct Cache {
    folder: PathBuf,
    shelf: Arc<Mutex<Shelf>>,
    /// Who is fetching what, so that bytes that many want are fetched once.
    fetching: Mutex<HashMap<Digest, Weak<tokio::sync::Mutex<()>>>>,
    /// Held so that no other process takes the folder for its own.
    _lock: Option<File>,
    _temporary: Option<TempDir>,
}

/// A copy in use.
struct Pin {
    digest: Digest,
    shelf: Arc<Mutex<Shelf>>,
}

impl Drop for Pin {
    fn drop(&mut self) {
        self.shelf.lock().unpin(&self.digest);
    }
}

impl Cache {
    /// Opens a cache below `parent`, with what it kept before; every host there has a folder of its own.
    pub(super) fn open(parent: &Path, most: u64) -> io::Result<Self> {
        for number in 0..NEIGHBOURS {
            let folder = parent.join(number.to_string());
            fs::create_dir_all(&folder)?;
            let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"))?;
            match lock.try_lock() {
                Ok(()) => return Ok(Self::at(folder, most, Some(lock), None)),
                Err(fs::TryLockError::WouldBlock) => {}
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other(format!("{NEIGHBOURS} hosts have a cache in {} already", parent.display())))
    }

    /// A cache that is gone with this process, and keeps everything until then.
    pub(super) fn temporary() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        Ok(Self::at(folder.path().to_owned(), u64::MAX, None, Some(folder)))
    }

    fn at(folder: PathBuf, most: u64, lock: Option<File>, temporary: Option<TempDir>) -> Self {
        let mut shelf = Shelf::new(folder.clone(), most);
        for (digest, size) in found(&folder) {
            shelf.put(digest, size, None);
        }
        shelf.fit();
        let shelf = Arc::new(Mutex::new(shelf));
        Self { folder, shelf, fetching: Mutex::default(), _lock: lock, _temporary: temporary }
    }

    /// A file for bytes that are on their way; what it grows to counts from its first byte.
    pub(super) async fn draft(&self) -> io::Result<Draft> {
        Draft::new(&self.folder, self.shelf.clone()).await
    }

    /// Keeps a draft whose bytes were hashed on the way, and pins it.
    pub(super) async fn keep(&self, draft: Draft, digest: Digest) -> io::Result<HeldFile> {
        let path = self.folder.join(digest.hex());
        let (size, look) = draft.named(&path).await?;
        let mut shelf = self.shelf.lock();
        shelf.put(digest, size, Some(look));
        shelf.pin(&digest);
        drop(shelf);
        Ok(self.held(digest, path))
    }

    /// The copy, pinned, if there is one; and how it looked when it was last found whole.
    pub(super) fn take(&self, digest: &Digest) -> Option<(HeldFile, Option<Look>)> {
        let whole = self.shelf.lock().pin(digest)?;
        Some((self.held(*digest, self.folder.join(digest.hex())), whole))
    }

    /// Notes that a copy was found whole.
    pub(super) fn found_whole(&self, digest: &Digest, look: Look) {
        self.shelf.lock().found_whole(digest, look);
    }

    /// Lets go of a copy, such as a damaged one, or one whose bytes are no longer stored.
    pub(super) fn forget(&self, digest: &Digest) {
        self.shelf.lock().forget(digest);
    }

    /// What whoever fetches these bytes holds meanwhile.
    pub(super) fn fetching(&self, digest: &Digest) -> Arc<tokio::sync::Mutex<()>> {
        let mut fetching = self.fetching.lock();
        if let Some(there) = fetching.get(digest).and_then(Weak::upgrade) {
            return there;
        }
        fetching.retain(|_, it| it.strong_count() > 0);
        let new = Arc::new(tokio::sync::Mutex::new(()));
        fetching.insert(*digest, Arc::downgrade(&new));
        new
    }

    fn held(&self, digest: Digest, path: PathBuf) -> HeldFile {
        HeldFile::until_dropped(path, Pin { digest, shelf: self.shelf.clone() })
    }
}

/// The copies of an earlier process, the one that was used longest ago first. What it left half written goes.
fn found(folder: &Path) -> Vec<(Digest, u64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let digest = format!("sha256:{name}").parse::<Digest>();
        match (digest, entry.metadata()) {
            (Ok(digest), Ok(meta)) if meta.is_file() => found.push((last_used(&meta), digest, meta.len())),
            _ if drafts::is_draft(&name) => {
                // What cannot be removed now is at the next start.
                let _ = fs::remove_file(entry.path());
            }
            _ => {}
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, digest, size)| (digest, size)).collect()
}

/// As far as the file system says.
fn last_used(meta: &fs::Metadata) -> Option<SystemTime> {
    meta.accessed().ok().max(meta.modified().ok())
}

#[cfg(test)]
mod tests;
