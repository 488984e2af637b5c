//! Tables as files of lines, written before an archive is, because an archive says first what is in it.

use std::{
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use tempfile::TempDir;

use super::{
    Entry, Tally, TransferError, Where,
    line::{self, Lines},
    schema::Table,
};
use crate::sql::Tx;

/// Tables on disk, gone when dropped.
pub(crate) struct Spool {
    folder: TempDir,
    pub(crate) tables: Vec<Spooled>,
}

/// One of them.
pub(crate) struct Spooled {
    pub(crate) table: String,
    pub(crate) tally: Tally,
    pub(crate) bytes: u64,
}

impl Spool {
    /// A folder for temporary files.
    pub(crate) fn new() -> Result<Self, TransferError> {
        let folder =
            tempfile::tempdir().map_err(|error| TransferError::file("a folder for temporary files", &error))?;
        Ok(Self { folder, tables: Vec::new() })
    }

    /// The file of a table.
    pub(crate) fn path(&self, table: &str) -> PathBuf {
        self.folder.path().join(table)
    }

    /// Writes the rows of a table to its file.
    pub(crate) async fn add(&mut self, tx: &mut Tx, table: &Table, rows: &Where) -> Result<(), TransferError> {
        let path = self.path(&table.name);
        let mut file = ToFile::create(&path)?;
        let tally = line::read(tx, table, rows, &mut file).await?;
        let bytes = file.finish()?;
        self.tables.push(Spooled { table: table.name.clone(), tally, bytes });
        Ok(())
    }
}

impl Spool {
    /// The tables as an archive tells of them.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let entry = |it: &Spooled| Entry {
            name: it.table.clone(),
            rows: it.tally.rows,
            bytes: it.bytes,
            digest: it.tally.digest,
        };
        self.tables.iter().map(entry).collect()
    }
}

/// Writes every row of every table to files.
pub(crate) async fn spool(tx: &mut Tx, tables: &[Table]) -> Result<Spool, TransferError> {
    let mut spool = Spool::new()?;
    for table in tables {
        spool.add(tx, table, &Where::default()).await?;
    }
    Ok(spool)
}

struct ToFile {
    name: PathBuf,
    file: BufWriter<std::fs::File>,
    bytes: u64,
}

impl ToFile {
    fn create(path: &Path) -> Result<Self, TransferError> {
        let file = std::fs::File::create(path).map_err(|error| TransferError::file(path.display(), &error))?;
        Ok(Self { name: path.to_owned(), file: BufWriter::with_capacity(256 << 10, file), bytes: 0 })
    }

    fn finish(mut self) -> Result<u64, TransferError> {
        self.file.flush().map_err(|error| TransferError::file(self.name.display(), &error))?;
        Ok(self.bytes)
    }
}

#[async_trait]
impl Lines for ToFile {
    async fn line(&mut self, line: &str) -> Result<(), TransferError> {
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|error| TransferError::file(self.name.display(), &error))?;
        self.bytes += line.len() as u64 + 1;
        Ok(())
    }
}
