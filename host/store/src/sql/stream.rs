//! Many rows, one by one: a snapshot of the whole database, and rows as they come, however many there are.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use sqlx::SqlSafeStr;

use super::{Arg, Db, Inner, Pools, Row, Tx, on, within};
use crate::StoreError;

/// How long one row may take, when a database has to sort a large table first.
const PATIENCE: Duration = Duration::from_secs(600);

/// Takes rows.
#[async_trait]
pub(crate) trait Rows: Send {
    /// Why it takes no more.
    type Error: From<StoreError>;

    /// Takes one.
    async fn row(&mut self, row: Row) -> Result<(), Self::Error>;
}

impl Db {
    /// A transaction that only reads, and sees everything as it was when it began.
    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        let inner = match &self.pools {
            Pools::Lite(lite) => Inner::Lite(self.within(lite.read.begin()).await?),
            Pools::Pg(pool) => {
                Inner::Pg(self.within(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await?)
            }
        };
        let mut tx = Tx { inner, clock: self.clock.clone(), patience: PATIENCE };
        tx.without_limit().await?;
        // SQLite takes its snapshot at the first look, not at the beginning.
        tx.row("SELECT name FROM generation LIMIT 1", vec![]).await?;
        Ok(tx)
    }

    /// A transaction that writes for as long as it takes.
    pub(crate) async fn long(&self) -> Result<Tx, StoreError> {
        let mut tx = Tx { patience: PATIENCE, ..self.begin().await? };
        tx.without_limit().await?;
        Ok(tx)
    }
}

impl Tx {
    /// What moves whole tables takes longer than what answers a request.
    async fn without_limit(&mut self) -> Result<(), StoreError> {
        if self.is_postgres() {
            self.execute("SET LOCAL statement_timeout = 0", vec![]).await?;
        }
        Ok(())
    }

    /// Gives every row of a statement to `rows`, as they come.
    pub(crate) async fn each<R: Rows>(
        &mut self,
        sql: impl SqlSafeStr,
        args: Vec<Arg>,
        rows: &mut R,
    ) -> Result<(), R::Error> {
        let sql = sql.into_sql_str();
        on!(&mut self.inner, Inner, tx => {
            let mut stream = super::bound!(sql, args).fetch(&mut **tx);
            while let Some(row) = within(PATIENCE, stream.try_next()).await? {
                rows.row(row.into()).await?;
            }
            Ok(())
        })
    }
}
