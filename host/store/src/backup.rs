//! An installation as one file: every row of every table, and the bytes of every artifact.

mod restore;

use std::io::{self, Read, Write};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use host_core::{
    Digest,
    ports::{ArtifactStream, Artifacts as _},
};
use jiff::Timestamp;
use tokio::runtime::Handle;

use crate::{
    ArtifactStore,
    blobs::Listed,
    transfer::{Database, Entry, Kind, Manifest, Spool, Summary, TransferError, Writer, spool, tables_of},
};

pub(crate) use restore::{Bytesin, each_line};
pub use restore::{Restored, restore};

/// What goes into a backup.
pub struct BackupParts<'a> {
    /// The database.
    pub database: &'a Database,
    /// The bytes; none, to leave them where they are.
    pub artifacts: Option<ArtifactStore>,
    /// The key of the secrets; none, so that whoever finds the backup cannot read them.
    pub key: Option<Vec<u8>>,
    /// The release that writes it.
    pub release: &'a str,
    /// When.
    pub now: Timestamp,
}

/// A backup about to be written: its rows as they all were at one moment, on disk.
pub struct Backup {
    bundle: Bundle,
}

impl Backup {
    /// Reads every row in one snapshot.
    ///
    /// # Errors
    /// When the database or the artifact store does not answer, or there is no room for temporary files.
    pub async fn prepare(parts: BackupParts<'_>) -> Result<Self, TransferError> {
        let mut tx = parts.database.db.snapshot().await?;
        let tables = tables_of(&mut tx).await?;
        let spool = spool(&mut tx, &tables).await?;
        drop(tx);
        let schema = parts.database.schema().await?;
        let manifest = Manifest::new(Kind::Backup, parts.release, schema, parts.now);
        // What is stored from now on belongs to no row that was read.
        let mut listed: Vec<Listed> = match &parts.artifacts {
            Some(artifacts) => artifacts.everything().try_collect().await?,
            None => Vec::new(),
        };
        listed.sort_by_key(|it| it.digest);
        let artifacts = parts.artifacts.map(|store| (store, listed));
        Ok(Self { bundle: Bundle::new(manifest, spool, artifacts, parts.key) })
    }

    /// Writes the archive.
    ///
    /// # Errors
    /// When it cannot be written, or an artifact is damaged.
    pub async fn write<W: Write + Send + 'static>(self, out: W) -> Result<Summary, TransferError> {
        self.bundle.write(out).await
    }
}

/// Rows and bytes about to be written to an archive.
pub(crate) struct Bundle {
    manifest: Manifest,
    spool: Spool,
    artifacts: Option<(ArtifactStore, Vec<Listed>)>,
    key: Option<Vec<u8>>,
}

impl Bundle {
    pub(crate) fn new(
        mut manifest: Manifest,
        spool: Spool,
        artifacts: Option<(ArtifactStore, Vec<Listed>)>,
        key: Option<Vec<u8>>,
    ) -> Self {
        manifest.tables = spool.entries();
        manifest.artifacts = artifacts.as_ref().map(|(_, listed)| crate::transfer::Bulk {
            count: listed.len() as u64,
            bytes: listed.iter().map(|it| it.size).sum(),
        });
        manifest.key = key.as_ref().map(|key| Entry {
            name: "key".to_owned(),
            rows: 0,
            bytes: key.len() as u64,
            digest: Digest::of(key),
        });
        Self { manifest, spool, artifacts, key }
    }

    /// Writes the archive, on a thread that may wait for files.
    pub(crate) async fn write<W: Write + Send + 'static>(self, out: W) -> Result<Summary, TransferError> {
        let runtime = Handle::current();
        let writing = tokio::task::spawn_blocking(move || self.write_now(out, &runtime));
        writing.await.map_err(|error| TransferError::file("the archive", &error))?
    }

    fn write_now<W: Write>(self, out: W, runtime: &Handle) -> Result<Summary, TransferError> {
        let mut writer = Writer::begin(out, &self.manifest)?;
        if let Some((store, listed)) = &self.artifacts {
            for it in listed {
                let (size, stream) = runtime.block_on(store.stream(&it.digest))?;
                let mut bytes = Blocking { runtime, stream, piece: Bytes::new() };
                writer.artifact(&it.digest, size, &mut bytes)?;
            }
        }
        if let Some(key) = &self.key {
            writer.key(key)?;
        }
        for table in &self.manifest.tables {
            let path = self.spool.path(&table.name);
            let mut file = std::fs::File::open(&path).map_err(|error| TransferError::file(path.display(), &error))?;
            writer.table(&table.name, table.bytes, &mut file)?;
        }
        let mut out = writer.finish()?;
        out.flush().map_err(|error| TransferError::file("the archive", &error))?;
        Ok(self.manifest.summary())
    }
}

/// A stream of the runtime's, read on a thread that may wait.
struct Blocking<'r> {
    runtime: &'r Handle,
    stream: ArtifactStream,
    piece: Bytes,
}

impl Read for Blocking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.runtime.block_on(self.stream.try_next()).map_err(io::Error::other)? {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
