//! The two databases behind one face: the same SQL text, `$1` in both, told apart here and nowhere else.

mod arg;
mod row;
mod select;
mod stream;

use std::{sync::Arc, time::Duration};

use host_core::clock::Clock;
use jiff::Timestamp;
use sqlx::{PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool, Transaction};

pub(crate) use arg::{Arg, args};
pub(crate) use row::Row;
pub(crate) use select::{Select, placeholders, unnumbered};
pub(crate) use stream::Rows;

use crate::StoreError;

/// The body for whichever engine there is; `_Engine` names it within.
macro_rules! on {
    ($value:expr, $kind:ident, $it:ident => $body:expr) => {
        match $value {
            $kind::Lite($it) => {
                type _Engine = sqlx::Sqlite;
                $body
            }
            $kind::Pg($it) => {
                type _Engine = sqlx::Postgres;
                $body
            }
        }
    };
}
pub(crate) use on;

/// A query with its arguments bound.
macro_rules! bound {
    ($sql:expr, $args:expr) => {
        $args.into_iter().fold(sqlx::query::<_Engine>($sql), |query, arg| match arg {
            Arg::Text(it) => query.bind(it),
            Arg::Int(it) => query.bind(it),
            Arg::Float(it) => query.bind(it),
        })
    };
}
pub(crate) use bound;

/// Postgres's time, in microseconds.
const NOW: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS now";

/// SQLite's one writer and its readers.
#[derive(Debug, Clone)]
pub(crate) struct Lite {
    pub(crate) write: SqlitePool,
    pub(crate) read: SqlitePool,
}

#[derive(Debug, Clone)]
pub(crate) enum Pools {
    Lite(Lite),
    Pg(PgPool),
}

/// The database: connections, the clock that stands in for SQLite's, and how long anything may take.
#[derive(Debug, Clone)]
pub(crate) struct Db {
    pub(crate) pools: Pools,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) patience: Duration,
}

impl Lite {
    fn reader(&self) -> &SqlitePool {
        &self.read
    }
}

/// Lets `on!` ask either engine for the pool that reads.
trait Reader {
    type Pool;
    fn reader(&self) -> &Self::Pool;
}

impl Reader for PgPool {
    type Pool = Self;

    fn reader(&self) -> &Self {
        self
    }
}

enum Inner {
    Lite(Transaction<'static, Sqlite>),
    Pg(Transaction<'static, Postgres>),
}

/// A transaction that may write. Dropped, it is rolled back.
pub(crate) struct Tx {
    inner: Inner,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

impl Db {
    /// Whether this is Postgres, for the few statements that differ.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.pools, Pools::Pg(_))
    }

    /// Starts a transaction that writes. On SQLite it waits for the writer's turn and takes the lock at once, because a
    /// transaction that reads first and writes later fails there whatever the busy timeout.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        let inner = match &self.pools {
            Pools::Lite(lite) => Inner::Lite(self.within(lite.write.begin_with("BEGIN IMMEDIATE")).await?),
            Pools::Pg(pool) => Inner::Pg(self.within(pool.begin()).await?),
        };
        Ok(Tx { inner, clock: Arc::clone(&self.clock), patience: self.patience })
    }

    /// The rows of a query outside any transaction.
    pub(crate) async fn rows(&self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<Vec<Row>, StoreError> {
        let sql = sql.into_sql_str();
        on!(&self.pools, Pools, pool => {
            let rows = self.within(bound!(sql, args).fetch_all(pool.reader())).await?;
            Ok(rows.into_iter().map(Row::from).collect())
        })
    }

    /// The first row of a query outside any transaction.
    pub(crate) async fn row(&self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<Option<Row>, StoreError> {
        let sql = sql.into_sql_str();
        on!(&self.pools, Pools, pool => {
            Ok(self.within(bound!(sql, args).fetch_optional(pool.reader())).await?.map(Row::from))
        })
    }

    /// The database's time, outside any transaction.
    pub(crate) async fn now(&self) -> Result<Timestamp, StoreError> {
        if !self.is_postgres() {
            return Ok(self.clock.now());
        }
        self.row(NOW, vec![]).await?.map_or_else(|| Ok(self.clock.now()), |row| row.get("now"))
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) {
        match &self.pools {
            Pools::Lite(lite) => {
                self.close_pool(lite.read.close()).await;
                self.close_pool(lite.write.close()).await;
            }
            Pools::Pg(pool) => self.close_pool(pool.close()).await,
        }
    }

    /// A connection that is not given back must not keep the process from ending.
    async fn close_pool(&self, close: impl Future<Output = ()>) {
        if tokio::time::timeout(self.patience, close).await.is_err() {
            tracing::warn!("connections to the database were still in use when it was closed");
        }
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
        within(self.patience, work).await
    }
}

impl Tx {
    /// The rows of a statement.
    pub(crate) async fn rows(&mut self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<Vec<Row>, StoreError> {
        let sql = sql.into_sql_str();
        on!(&mut self.inner, Inner, tx => {
            let rows = within(self.patience, bound!(sql, args).fetch_all(&mut **tx)).await?;
            Ok(rows.into_iter().map(Row::from).collect())
        })
    }

    /// The first row of a statement.
    pub(crate) async fn row(&mut self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<Option<Row>, StoreError> {
        let sql = sql.into_sql_str();
        on!(&mut self.inner, Inner, tx => {
            Ok(within(self.patience, bound!(sql, args).fetch_optional(&mut **tx)).await?.map(Row::from))
        })
    }

    /// Runs a statement; returns how many rows it touched.
    pub(crate) async fn execute(&mut self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<u64, StoreError> {
        let sql = sql.into_sql_str();
        on!(&mut self.inner, Inner, tx => {
            Ok(within(self.patience, bound!(sql, args).execute(&mut **tx)).await?.rows_affected())
        })
    }

    /// The database's time: Postgres's own, because hosts may disagree; on SQLite, with its one host, the host's.
    pub(crate) async fn now(&mut self) -> Result<Timestamp, StoreError> {
        if matches!(self.inner, Inner::Lite(_)) {
            return Ok(self.clock.now());
        }
        self.row(NOW, vec![]).await?.map_or_else(|| Ok(self.clock.now()), |row| row.get("now"))
    }

    /// Makes it so.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        on!(self.inner, Inner, tx => within(self.patience, tx.commit()).await)
    }

    /// Whether this is Postgres, for the few statements that differ.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.inner, Inner::Pg(_))
    }
}

async fn within<T>(patience: Duration, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(patience, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sqlx::Error::PoolTimedOut)) => Err(StoreError::Timeout(patience)),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(StoreError::Timeout(patience)),
    }
}
