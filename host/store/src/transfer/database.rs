//! A database to read from or to write to, whichever release left it. No task runs on it.

use std::sync::Arc;

use host_core::clock::Clock;

use super::{
    TransferError, Where,
    line::{self, Nowhere},
    schema::{self, Table},
};
use crate::{
    Config, OpenError, Store, StoreError,
    open::{self, FolderLock, versions},
    sql::{Db, Tx},
};

/// Tables that a host writes to as soon as it starts, and that a transfer sees to itself.
const OF_THE_HOST: &[&str] = &["installation"];

/// A database whose rows are moved.
pub struct Database {
    pub(crate) db: Db,
    lock: Option<FolderLock>,
}

impl Database {
    /// Opens a database for reading; nothing in it changes, not even its schema.
    ///
    /// # Errors
    /// When it is in use, is not there, or a newer release has written to it.
    pub async fn source(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, TransferError> {
        let (db, lock) = versions::read_only(config, clock).await?;
        let source = Self { db, lock };
        let (found, known) = (source.schema().await?, versions::known());
        if found > known {
            return Err(TransferError::Newer { found, known });
        }
        Ok(source)
    }

    /// Opens an empty database with the schema as it was after change `version`.
    ///
    /// # Errors
    /// When it cannot be opened, or holds anything, or has a later schema already.
    pub async fn target(config: &Config, clock: Arc<dyn Clock>, version: i64) -> Result<Self, TransferError> {
        let known = versions::known();
        if version > known {
            return Err(TransferError::Newer { found: version, known });
        }
        let (db, lock) = versions::open_at(config, clock.clone(), version).await?;
        let target = Self { db, lock };
        let found = target.schema().await?;
        if found > version {
            return Err(TransferError::Older { found: version, known: found });
        }
        target.check_empty(&seeds(clock).await?).await?;
        Ok(target)
    }

    /// The database of a running host.
    #[must_use]
    pub fn of(store: &Store) -> Self {
        Self { db: store.db().clone(), lock: None }
    }

    /// Closes every connection, and gives the data folder free.
    pub async fn close(self) {
        self.db.close().await;
        drop(self.lock);
    }

    /// The newest change of its schema.
    pub(crate) async fn schema(&self) -> Result<i64, StoreError> {
        versions::version(&self.db).await
    }

    /// Brings the schema up to date.
    pub(crate) async fn upgrade(&self) -> Result<(), OpenError> {
        versions::upgrade(&self.db).await
    }

    async fn check_empty(&self, seeds: &[String]) -> Result<(), TransferError> {
        let mut tx = self.db.snapshot().await?;
        for table in schema::tables(&mut tx).await? {
            let is_ours = seeds.contains(&table.name) || OF_THE_HOST.contains(&table.name.as_str());
            let rows = if is_ours { 0 } else { count(&mut tx, &table).await? };
            if rows > 0 {
                return Err(TransferError::NotEmpty { table: table.name, rows });
            }
        }
        Ok(())
    }
}

/// The tables that have rows in a database nobody has used yet.
pub(crate) async fn seeds(clock: Arc<dyn Clock>) -> Result<Vec<String>, TransferError> {
    let patience = Config::default().patience.duration();
    let fresh = open::memory(clock, patience).await?;
    let mut tx = fresh.snapshot().await?;
    let mut seeds = Vec::new();
    for table in schema::tables(&mut tx).await? {
        if count(&mut tx, &table).await? > 0 {
            seeds.push(table.name);
        }
    }
    drop(tx);
    fresh.close().await;
    Ok(seeds)
}

async fn count(tx: &mut Tx, table: &Table) -> Result<u64, TransferError> {
    Ok(line::read(tx, table, &Where::default(), &mut Nowhere).await?.rows)
}
