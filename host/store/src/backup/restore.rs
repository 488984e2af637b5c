//! A backup on its way into an empty installation: all of it, verified, or nothing.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use host_core::{
    Digest,
    clock::Clock,
    ports::{ArtifactError, Artifacts as _},
};
use tokio::runtime::Handle;
use tokio_util::io::ReaderStream;

use crate::{
    ArtifactStore, Config,
    sql::{Tx, args},
    transfer::{
        Database, Entry, Kind, Lines as _, Loader, Manifest, Reader, Summary, Table, Take, TransferError, Where, empty,
        tables_of, verify,
    },
};

/// The longest row that is read.
const LONGEST_LINE: u64 = 256 << 20;
/// Up to this size, an artifact is held in memory on its way.
const IN_MEMORY: u64 = 8 << 20;

/// What was restored.
#[derive(Debug, Clone)]
pub struct Restored {
    /// Rows and bytes.
    pub summary: Summary,
    /// The key of the secrets, where the backup held it.
    pub key: Option<Vec<u8>>,
}

/// Restores a backup into the database of `config`, which must be empty, and into `artifacts`.
///
/// # Errors
/// When the target is not empty, or the archive is not what it says; the database is then as it was.
pub async fn restore(
    archive: PathBuf,
    config: Config,
    artifacts: ArtifactStore,
    clock: Arc<dyn Clock>,
) -> Result<Restored, TransferError> {
    let runtime = Handle::current();
    let restoring = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(&archive).map_err(|error| TransferError::file(archive.display(), &error))?;
        let mut restoring = Restoring {
            runtime: runtime.clone(),
            config,
            clock,
            bytes: Bytesin { runtime, store: artifacts },
            target: None,
            key: None,
        };
        let manifest = Reader::read(file, Kind::Backup, &mut restoring)?;
        restoring.finish(&manifest)
    });
    restoring.await.map_err(|error| TransferError::file("the archive", &error))?
}

struct Restoring {
    runtime: Handle,
    config: Config,
    clock: Arc<dyn Clock>,
    bytes: Bytesin,
    target: Option<Target>,
    key: Option<Vec<u8>>,
}

/// The database, from when the archive has said which schema it has.
struct Target {
    database: Database,
    tx: Tx,
    tables: Vec<Table>,
}

impl Target {
    async fn open(config: &Config, clock: Arc<dyn Clock>, manifest: &Manifest) -> Result<Self, TransferError> {
        let database = Database::target(config, clock, manifest.schema).await?;
        let mut tx = database.db.long().await?;
        let tables = tables_of(&mut tx).await?;
        for table in &tables {
            if !manifest.tables.iter().any(|it| it.name == table.name) {
                return Err(TransferError::archive(format!("it lacks table `{}`", table.name)));
            }
        }
        empty(&mut tx, &tables).await?;
        Ok(Self { database, tx, tables })
    }
}

impl Take for Restoring {
    fn manifest(&mut self, manifest: &Manifest) -> Result<(), TransferError> {
        // Opened first, so that nothing is stored beside a database that is not empty.
        let target = Target::open(&self.config, Arc::clone(&self.clock), manifest);
        self.target = Some(self.runtime.block_on(target)?);
        Ok(())
    }

    fn artifact(&mut self, digest: Digest, size: u64, bytes: &mut dyn Read) -> Result<(), TransferError> {
        self.bytes.take(digest, size, bytes)
    }

    fn key(&mut self, key: Vec<u8>) -> Result<(), TransferError> {
        self.key = Some(key);
        Ok(())
    }

    fn table(&mut self, entry: &Entry, lines: &mut dyn Read) -> Result<(), TransferError> {
        let Some(Target { tx, tables, .. }) = &mut self.target else {
            return Err(TransferError::archive("its manifest is not the first entry"));
        };
        let table = tables.iter().find(|it| it.name == entry.name);
        let table = table.ok_or_else(|| TransferError::archive(format!("there is no table `{}`", entry.name)))?;
        let mut loader = Loader::new(tx, table);
        each_line(lines, |line| self.runtime.block_on(loader.line(line)))?;
        self.runtime.block_on(loader.finish())
    }
}

impl Restoring {
    fn finish(mut self, manifest: &Manifest) -> Result<Restored, TransferError> {
        let Some(target) = self.target.take() else {
            return Err(TransferError::archive("it is empty"));
        };
        let store = manifest.artifacts.map(|_| self.bytes.store.id().to_string());
        self.runtime.block_on(commit(target, manifest, store))?;
        Ok(Restored { summary: manifest.summary(), key: self.key })
    }
}

/// Looks at every row once more, as it came to stand in the database, before they count.
async fn commit(target: Target, manifest: &Manifest, store: Option<String>) -> Result<(), TransferError> {
    let Target { database, mut tx, tables } = target;
    for table in &tables {
        if let Some(said) = manifest.tables.iter().find(|it| it.name == table.name) {
            verify(&mut tx, table, &Where::default(), said.rows, said.digest).await?;
        }
    }
    if let Some(store) = store {
        // The bytes are in this store now.
        tx.execute("UPDATE installation SET artifact_store = $1", args![store]).await?;
    }
    tx.commit().await?;
    database.upgrade().await?;
    database.close().await;
    Ok(())
}

/// Every line, without its end.
pub(crate) fn each_line(
    lines: &mut dyn Read,
    mut take: impl FnMut(&str) -> Result<(), TransferError>,
) -> Result<(), TransferError> {
    let mut reader = BufReader::new(lines);
    let mut line = String::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(LONGEST_LINE).read_line(&mut line);
        let read = read.map_err(|error| TransferError::archive(format!("it is damaged or cut off ({error})")))?;
        match line.strip_suffix('\n') {
            _ if read == 0 => return Ok(()),
            Some(whole) => take(whole)?,
            None => return Err(TransferError::archive("a row has no end, or is too long")),
        }
    }
}

/// Bytes on their way into an artifact store, from a thread that may wait.
pub(crate) struct Bytesin {
    pub(crate) runtime: Handle,
    pub(crate) store: ArtifactStore,
}

impl Bytesin {
    /// Stores an artifact, if it has the digest it says.
    pub(crate) fn take(&self, digest: Digest, size: u64, bytes: &mut dyn Read) -> Result<(), TransferError> {
        let stored =
            if size <= IN_MEMORY { self.in_memory(digest, size, bytes) } else { self.by_file(digest, size, bytes) };
        match stored {
            Err(TransferError::Artifact(ArtifactError::Damaged { actual, .. })) => {
                Err(TransferError::archive(format!("artifact {digest} has the digest {actual}")))
            }
            other => other,
        }
    }

    fn in_memory(&self, digest: Digest, size: u64, bytes: &mut dyn Read) -> Result<(), TransferError> {
        let mut whole = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let read = bytes.take(size).read_to_end(&mut whole);
        check_read(digest, size, read.map(|it| it as u64))?;
        let stream = stream::once(async move { Ok(Bytes::from(whole)) }).boxed();
        self.runtime.block_on(self.store.put_stream(stream, size, Some(digest)))?;
        Ok(())
    }

    fn by_file(&self, digest: Digest, size: u64, bytes: &mut dyn Read) -> Result<(), TransferError> {
        let failed = |error: std::io::Error| TransferError::file("a temporary file", &error);
        let mut file = tempfile::NamedTempFile::new().map_err(failed)?;
        let read = std::io::copy(&mut bytes.take(size), &mut file);
        check_read(digest, size, read)?;
        file.flush().map_err(failed)?;
        let file = tokio::fs::File::from_std(file.reopen().map_err(failed)?);
        let pieces = ReaderStream::with_capacity(file, 256 << 10);
        let stream = pieces.map_err(|error| ArtifactError::Source(error.to_string())).boxed();
        self.runtime.block_on(self.store.put_stream(stream, size, Some(digest)))?;
        Ok(())
    }
}

fn check_read(digest: Digest, size: u64, read: std::io::Result<u64>) -> Result<(), TransferError> {
    match read {
        Ok(read) if read == size => Ok(()),
        Ok(_) => Err(TransferError::archive(format!("it is cut off in artifact {digest}"))),
        Err(error) => Err(TransferError::archive(format!("it is damaged or cut off ({error})"))),
    }
}
