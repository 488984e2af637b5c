//! Files on their way into the cache: gone unless they are named.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::{
    fs::File,
    io::{AsyncWriteExt as _, BufWriter},
};
use uuid::Uuid;

use super::{super::read::Look, Shelf};

/// What the name of a draft begins with.
const PREFIX: &str = "draft-";
/// How much is written to the file at once.
const BUFFER: usize = 256 << 10;

/// Whether a file is one.
pub(super) fn is_draft(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// A file that is being written.
pub(crate) struct Draft {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    size: u64,
    shelf: Arc<Mutex<Shelf>>,
}

impl Draft {
    pub(super) async fn new(folder: &Path, shelf: Arc<Mutex<Shelf>>) -> io::Result<Self> {
        let path = folder.join(format!("{PREFIX}{}", Uuid::now_v7()));
        let file = File::create_new(&path).await?;
        Ok(Self { path, file: Some(BufWriter::with_capacity(BUFFER, file)), size: 0, shelf })
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds bytes; others make room for them.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Err(io::Error::other("draft is written already")) };
        self.shelf.lock().reserve(bytes.len() as u64);
        self.size += bytes.len() as u64;
        file.write_all(bytes).await
    }

    /// Writes what is still in memory.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        if let Some(mut file) = self.file.take() {
            file.flush().await?;
        }
        Ok(())
    }

    /// Gives it its name; says how large it is and how it looks.
    pub(super) async fn named(mut self, name: &Path) -> io::Result<(u64, Look)> {
        self.finish().await?;
        tokio::fs::rename(&self.path, name).await?;
        self.path = PathBuf::new();
        let look = Look::of(&tokio::fs::metadata(name).await?);
        Ok((self.size, look))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.shelf.lock().release(self.size);
        if !self.path.as_os_str().is_empty() {
            // What cannot be removed now is at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
