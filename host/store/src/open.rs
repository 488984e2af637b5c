//! Opening the database: the lock on the data folder, the connections, the schema.

pub(crate) mod versions;

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    str::FromStr as _,
    sync::Arc,
    time::Duration,
};

use host_core::clock::Clock;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool, SqlitePool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    Config, StoreError,
    config::mask,
    sql::{Db, Lite, Pools},
};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// The page size of SQLite's file, which its limit is counted in.
const PAGE: u64 = 4_096;
const LITE_FILE: &str = "weft.db";
const LOCK_FILE: &str = "weft.lock";

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the data folder.
    #[error("data folder {} is in use by another host{}; stop it, or choose another folder", .folder.display(), .process.as_ref().map(|it| format!(" (process {it})")).unwrap_or_default())]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// The process, where it said so.
        process: Option<String>,
    },
    /// The data folder cannot be used.
    #[error("data folder {} cannot be used: {reason}", .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// The artifacts' address is none.
    #[error("`store.artifacts` cannot be used: {0}")]
    Address(crate::objects::AddressError),
    /// The object store cannot be used.
    #[error("artifact store {address} cannot be used: {reason}")]
    Objects {
        /// Where.
        address: String,
        /// Why.
        reason: String,
    },
    /// The URL is of no database the store knows.
    #[error("`{0}` is not the address of a database; write postgres://user:password@host/name")]
    Url(String),
    /// A newer release has written to it.
    #[error(
        "database {database} was written by a newer release (its schema has change {found}, this release knows up to {known}); use that release"
    )]
    Newer {
        /// Which database.
        database: String,
        /// The newest change it has.
        found: i64,
        /// The newest change this release knows.
        known: i64,
    },
    /// Its schema is not what this release made of it.
    #[error("the schema of database {database} cannot be used: {reason}")]
    Schema {
        /// Which database.
        database: String,
        /// Why.
        reason: String,
    },
    /// It did not answer.
    #[error("database {database} cannot be opened: {reason}")]
    Unreachable {
        /// Which database.
        database: String,
        /// Why.
        reason: String,
    },
    /// The bytes belong to another database.
    #[error(
        "artifact store {found} does not belong to this database, which was used with {expected}; hosts that share a database share its artifacts"
    )]
    OtherArtifacts {
        /// The store at hand.
        found: String,
        /// The store that belongs to the database.
        expected: String,
    },
}

/// Holds the data folder for as long as it lives.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    fn take(folder: &Path) -> Result<Self, OpenError> {
        let unusable =
            |error: std::io::Error| OpenError::Folder { folder: folder.to_owned(), reason: error.to_string() };
        std::fs::create_dir_all(folder).map_err(unusable)?;
        let path = folder.join(LOCK_FILE);
        let mut file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                let process = file.read_to_string(&mut process).ok().map(|_| process.trim().to_owned());
                return Err(OpenError::InUse {
                    folder: folder.to_owned(),
                    process: process.filter(|it| !it.is_empty()),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

/// Opens what the configuration names.
pub(crate) async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<(Db, Option<FolderLock>), OpenError> {
    open_to(config, clock, i64::MAX).await
}

/// Opens what the configuration names, with no change of its schema after `version`.
async fn open_to(config: &Config, clock: Arc<dyn Clock>, version: i64) -> Result<(Db, Option<FolderLock>), OpenError> {
    let patience = config.patience.duration();
    let (pools, lock) = match &config.url {
        Some(url) => (Pools::Pg(postgres(url, config, version).await?), None),
        None => {
            let lock = FolderLock::take(&config.data)?;
            (Pools::Lite(sqlite(config, version).await?), Some(lock))
        }
    };
    Ok((Db { pools, clock, patience }, lock))
}

/// Opens a database that lives and dies with this process.
pub(crate) async fn memory(clock: Arc<dyn Clock>, patience: Duration) -> Result<Db, OpenError> {
    let options = SqliteConnectOptions::new().in_memory(true).foreign_keys(true).disable_statement_logging();
    // The one connection is the database: it must never be closed for idleness or age.
    let pool = SqlitePoolOptions::new().max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
    let pool =
        pool.acquire_timeout(patience).connect_with(options).await.map_err(|error| unreachable("in memory", error))?;
    migrate_sqlite(&pool, "in memory", i64::MAX).await?;
    let lite = Lite { write: pool.clone(), read: pool };
    Ok(Db { pools: Pools::Lite(lite), clock, patience })
}

async fn sqlite(config: &Config, version: i64) -> Result<Lite, OpenError> {
    let file = config.data.join(LITE_FILE);
    let name = file.display().to_string();
    let mut options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // Without it the last commits can be lost at power loss, and they were acknowledged.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(config.patience.duration())
        // A burst of writing does not leave its log as large as it was.
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging();
    if let Some(size) = config.max_size {
        options = options.page_size(4_096).pragma("max_page_count", (size.0 / PAGE).max(1).to_string());
    }
    let pool = || SqlitePoolOptions::new().acquire_timeout(config.patience.duration());
    let write = pool()
        .max_connections(1)
        // When SQLite itself has rolled a transaction back, as it does on a full disk, sqlx goes on believing in it
        // and the connection is of no use any more. This is the only writer, so it is replaced.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .connect_with(options.clone());
    let write = write.await.map_err(|error| unreachable(&name, error))?;
    migrate_sqlite(&write, &name, version).await?;
    let read = pool().max_connections(config.connections.max(1)).connect_lazy_with(options.pragma("query_only", "on"));
    Ok(Lite { write, read })
}

async fn postgres(url: &str, config: &Config, version: i64) -> Result<PgPool, OpenError> {
    let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let options =
        PgConnectOptions::from_str(url).ok().filter(|_| is_postgres).ok_or_else(|| OpenError::Url(mask(url)))?;
    let options = options.application_name("weft").disable_statement_logging();
    let patience = config.patience.duration();
    migrate_postgres(&options, &mask(url), patience, version).await?;
    // What nobody waits for any more should not go on either.
    let limit = format!("SET statement_timeout = {}", config.patience.0);
    let pool = PgPoolOptions::new().max_connections(config.connections.max(2)).acquire_timeout(patience);
    let pool = pool.after_connect(move |connection, _| {
        let limit = AssertSqlSafe(limit.clone());
        Box::pin(async move { connection.execute(limit).await.map(drop) })
    });
    pool.connect_with(options).await.map_err(|error| unreachable(&mask(url), error))
}

/// Migrates over a connection of its own: a migration may take its time, and a failed one keeps a lock until it is closed.
async fn migrate_postgres(
    options: &PgConnectOptions,
    name: &str,
    patience: Duration,
    version: i64,
) -> Result<(), OpenError> {
    let connect = tokio::time::timeout(patience, PgConnection::connect_with(options)).await;
    let connect = connect.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    let mut connection = connect.map_err(|error| unreachable(name, error))?;
    let migrated = POSTGRES.run_to(version, &mut connection).await;
    // Whatever closing it says, it is closed.
    let _ = connection.close().await;
    migrated.map_err(|error| schema(name, &POSTGRES, &error))
}

async fn migrate_sqlite(pool: &SqlitePool, name: &str, version: i64) -> Result<(), OpenError> {
    SQLITE.run_to(version, pool).await.map_err(|error| schema(name, &SQLITE, &error))
}

fn schema(database: &str, migrator: &Migrator, error: &MigrateError) -> OpenError {
    let database = database.to_owned();
    let known = migrator.iter().map(|it| it.version).max().unwrap_or(0);
    match error {
        MigrateError::VersionMissing(found) if *found > known => OpenError::Newer { database, found: *found, known },
        other => OpenError::Schema { database, reason: crate::error::causes(other) },
    }
}

fn unreachable(database: &str, error: sqlx::Error) -> OpenError {
    OpenError::Unreachable { database: database.to_owned(), reason: StoreError::from(error).to_string() }
}
