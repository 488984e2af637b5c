//! Lines on their way into a table, many at a time.

use async_trait::async_trait;
use host_core::Digest;
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use super::{
    Tally, TransferError, Where,
    line::{self, Lines, Nowhere, decode},
    schema::{Kind, Table},
};
use crate::sql::{Arg, Tx};

/// The most values of one statement; Postgres takes 65,535, SQLite half of that.
const VALUES: usize = 30_000;
/// The most rows of one statement.
const ROWS: usize = 200;
/// About how many bytes of one statement.
const BYTES: usize = 4 << 20;

/// Writes lines as rows.
pub(crate) struct Loader<'t> {
    tx: &'t mut Tx,
    table: &'t Table,
    waiting: Vec<Arg>,
    rows: usize,
    bytes: usize,
}

impl<'t> Loader<'t> {
    pub(crate) fn new(tx: &'t mut Tx, table: &'t Table) -> Self {
        Self { tx, table, waiting: Vec::new(), rows: 0, bytes: 0 }
    }

    /// Writes what still waits.
    pub(crate) async fn finish(mut self) -> Result<(), TransferError> {
        self.write().await
    }

    async fn write(&mut self) -> Result<(), TransferError> {
        if self.rows > 0 {
            let sql = insert(self.table, self.rows, self.tx.is_postgres());
            self.tx.execute(sql, std::mem::take(&mut self.waiting)).await?;
        }
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

#[async_trait]
impl Lines for Loader<'_> {
    async fn line(&mut self, line: &str) -> Result<(), TransferError> {
        self.waiting.extend(decode(self.table, line)?);
        self.rows += 1;
        self.bytes += line.len();
        let most = (VALUES / self.table.columns.len().max(1)).clamp(1, ROWS);
        if self.rows >= most || self.bytes >= BYTES { self.write().await } else { Ok(()) }
    }
}

fn insert(table: &Table, rows: usize, is_postgres: bool) -> SqlStr {
    let columns: Vec<String> = table.columns.iter().map(|it| format!("\"{}\"", it.name)).collect();
    let mut number = 0;
    let mut row = || {
        let values = table.columns.iter().map(|column| {
            number += 1;
            match (column.kind, is_postgres) {
                (Kind::Bytes, true) => format!("decode(${number}, 'hex')"),
                (Kind::Bytes, false) => format!("unhex(${number})"),
                _ => format!("${number}"),
            }
        });
        format!("({})", values.collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<String> = (0..rows).map(|_| row()).collect();
    let sql = format!("INSERT INTO \"{}\" ({}) VALUES {}", table.name, columns.join(", "), rows.join(", "));
    AssertSqlSafe(sql).into_sql_str()
}

/// Takes every row out of every table, children before parents: what a database is made with, and no more.
pub(crate) async fn empty(tx: &mut Tx, tables: &[Table]) -> Result<(), TransferError> {
    for table in tables.iter().rev() {
        tx.execute(AssertSqlSafe(format!("DELETE FROM \"{}\"", table.name)), vec![]).await?;
    }
    Ok(())
}

/// Reads a table once more, and compares it with what it should hold.
pub(crate) async fn verify(
    tx: &mut Tx,
    table: &Table,
    rows: &Where,
    expected_rows: u64,
    expected: Digest,
) -> Result<(), TransferError> {
    let found = line::read(tx, table, rows, &mut Nowhere).await?;
    let expected = Tally { rows: expected_rows, digest: expected };
    if found == expected {
        return Ok(());
    }
    let (expected, found) = (expected.to_string(), found.to_string());
    Err(TransferError::Differs { table: table.name.clone(), expected, found })
}
