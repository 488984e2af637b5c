//! Databases of other releases: read as they are, made as they were, and brought up to date.

use std::sync::Arc;

use host_core::clock::Clock;
use sqlx::{
    ConnectOptions as _, Executor as _,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{
    FolderLock, LITE_FILE, OpenError, POSTGRES, SQLITE, migrate_sqlite, open_to, postgres, schema, unreachable,
};
use crate::{
    Config, StoreError,
    sql::{Db, Lite, Pools},
};

/// The newest change of the schema that this release knows.
pub(crate) fn known() -> i64 {
    SQLITE.iter().map(|it| it.version).max().unwrap_or(0)
}

/// The newest change that a database has; 0 for one without a schema.
pub(crate) async fn version(db: &Db) -> Result<i64, StoreError> {
    let there = if db.is_postgres() {
        "SELECT CAST(COUNT(*) AS BIGINT) AS tables FROM information_schema.tables \
         WHERE table_schema = current_schema() AND table_name = '_sqlx_migrations'"
    } else {
        "SELECT COUNT(*) AS tables FROM sqlite_master WHERE name = '_sqlx_migrations'"
    };
    let tables: i64 = db.row(there, vec![]).await?.map_or(Ok(0), |row| row.get("tables"))?;
    if tables == 0 {
        return Ok(0);
    }
    let newest = "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) AS newest FROM _sqlx_migrations";
    db.row(newest, vec![]).await?.map_or(Ok(0), |row| row.get("newest"))
}

/// Opens what the configuration names as an older release would have left it.
pub(crate) async fn open_at(
    config: &Config,
    clock: Arc<dyn Clock>,
    version: i64,
) -> Result<(Db, Option<FolderLock>), OpenError> {
    open_to(config, clock, version).await
}

/// Brings the schema up to date.
pub(crate) async fn upgrade(db: &Db) -> Result<(), OpenError> {
    match &db.pools {
        Pools::Lite(lite) => migrate_sqlite(&lite.write, LITE_FILE, i64::MAX).await,
        Pools::Pg(pool) => {
            let failed = |error: sqlx::Error| unreachable("postgres", error);
            let mut connection = pool.acquire().await.map_err(failed)?;
            // A change of a full table takes longer than what answers a request.
            connection.execute("SET statement_timeout = 0").await.map_err(failed)?;
            POSTGRES.run(&mut *connection).await.map_err(|error| schema("postgres", &POSTGRES, &error))
        }
    }
}

/// Opens what the configuration names for reading, whatever release left it; its schema stays as it is.
pub(crate) async fn read_only(config: &Config, clock: Arc<dyn Clock>) -> Result<(Db, Option<FolderLock>), OpenError> {
    let patience = config.patience.duration();
    if let Some(url) = &config.url {
        // No change of the schema is as old as that.
        let pools = Pools::Pg(postgres(url, config, 0).await?);
        return Ok((Db { pools, clock, patience }, None));
    }
    let file = config.data.join(LITE_FILE);
    if !file.is_file() {
        let reason = format!("it has no {LITE_FILE}");
        return Err(OpenError::Folder { folder: config.data.clone(), reason });
    }
    let lock = FolderLock::take(&config.data)?;
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .read_only(true)
        .busy_timeout(patience)
        .pragma("query_only", "on")
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new().acquire_timeout(patience).max_connections(2);
    let opened = pool.connect_with(options).await;
    let pool = opened.map_err(|error| unreachable(&file.display().to_string(), error))?;
    let pools = Pools::Lite(Lite { write: pool.clone(), read: pool });
    Ok((Db { pools, clock, patience }, Some(lock)))
}
