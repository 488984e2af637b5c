//! A row as a line of JSON, the same text from either database: keys in order of name, floats as text so that no
//! reader rounds them, bytes in hexadecimal.

use std::fmt::Write as _;

use async_trait::async_trait;
use host_core::Digest;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use super::{
    TransferError,
    schema::{Column, Kind, Table},
};
use crate::{
    StoreError,
    sql::{Arg, Row, Rows, Tx},
};

/// How many rows there are, and what they are as lines in the order of their key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    pub(crate) digest: Digest,
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows ({})", self.rows, self.digest)
    }
}

/// Which rows of a table: a condition with `?` for its values; all, when there is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Where {
    pub(crate) condition: Option<String>,
    pub(crate) args: Vec<Arg>,
}

/// Takes lines.
#[async_trait]
pub(crate) trait Lines: Send {
    /// Takes one, without its end.
    async fn line(&mut self, line: &str) -> Result<(), TransferError>;
}

/// Takes lines and forgets them.
pub(crate) struct Nowhere;

#[async_trait]
impl Lines for Nowhere {
    async fn line(&mut self, _: &str) -> Result<(), TransferError> {
        Ok(())
    }
}

/// Counts and hashes lines.
#[derive(Default)]
pub(crate) struct Counter {
    rows: u64,
    hash: Sha256,
}

impl Counter {
    pub(crate) fn add(&mut self, line: &str) {
        self.rows += 1;
        self.hash.update(line.as_bytes());
        self.hash.update(b"\n");
    }

    pub(crate) fn tally(self) -> Tally {
        Tally { rows: self.rows, digest: Digest::from_raw(self.hash.finalize().into()) }
    }
}

/// Turns rows into lines.
struct Encoder<'t, L> {
    table: &'t Table,
    lines: &'t mut L,
    counter: Counter,
    line: String,
}

#[async_trait]
impl<L: Lines> Rows for Encoder<'_, L> {
    type Error = TransferError;

    async fn row(&mut self, row: Row) -> Result<(), TransferError> {
        self.line.clear();
        encode(self.table, &row, &mut self.line)?;
        self.counter.add(&self.line);
        self.lines.line(&self.line).await
    }
}

/// Gives the rows of a table to `lines`, in the order of its key.
pub(crate) async fn read(
    tx: &mut Tx,
    table: &Table,
    rows: &Where,
    lines: &mut impl Lines,
) -> Result<Tally, TransferError> {
    let sql = select(table, rows.condition.as_deref(), tx.is_postgres());
    let mut encoder = Encoder { table, lines, counter: Counter::default(), line: String::new() };
    tx.each(sql, rows.args.clone(), &mut encoder).await?;
    Ok(encoder.counter.tally())
}

/// Names come from the schema, and the condition from the source: no value is ever part of the text.
fn select(table: &Table, condition: Option<&str>, is_postgres: bool) -> SqlStr {
    let binary = if is_postgres { "COLLATE \"C\"" } else { "COLLATE BINARY" };
    let mut columns = Vec::with_capacity(table.columns.len());
    for Column { name, kind } in &table.columns {
        columns.push(match (kind, is_postgres) {
            (Kind::Int, _) => format!("CAST(\"{name}\" AS BIGINT) AS \"{name}\""),
            (Kind::Bytes, true) => format!("encode(\"{name}\", 'hex') AS \"{name}\""),
            (Kind::Bytes, false) => format!("LOWER(HEX(\"{name}\")) AS \"{name}\""),
            (Kind::Text | Kind::Float, _) => format!("\"{name}\""),
        });
    }
    let keys = if table.key.is_empty() {
        table.columns.iter().map(|it| &it.name).collect()
    } else {
        table.key.iter().collect::<Vec<_>>()
    };
    let order = keys.into_iter().map(|key| match table.column(key).map(|it| it.kind) {
        Some(Kind::Text) => format!("\"{key}\" {binary}"),
        _ => format!("\"{key}\""),
    });
    let order: Vec<String> = order.collect();
    let mut sql = format!("SELECT {} FROM \"{}\"", columns.join(", "), table.name);
    if let Some(condition) = condition {
        sql.push_str(" WHERE ");
        sql.push_str(condition);
    }
    let _ = write!(sql, " ORDER BY {}", order.join(", "));
    AssertSqlSafe(sql).into_sql_str()
}

fn encode(table: &Table, row: &Row, line: &mut String) -> Result<(), StoreError> {
    line.push('{');
    for (at, Column { name, kind }) in table.columns.iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        push_text(line, name);
        line.push(':');
        match kind {
            Kind::Text | Kind::Bytes => match row.get::<Option<String>>(name)? {
                Some(text) => push_text(line, &text),
                None => line.push_str("null"),
            },
            // Writing to a String cannot fail.
            Kind::Int => match row.get::<Option<i64>>(name)? {
                Some(number) => _ = write!(line, "{number}"),
                None => line.push_str("null"),
            },
            Kind::Float => match row.get::<Option<f64>>(name)? {
                Some(number) => push_text(line, &format!("{number:?}")),
                None => line.push_str("null"),
            },
        }
    }
    line.push('}');
    Ok(())
}

fn push_text(line: &mut String, text: &str) {
    // Text always serialises.
    line.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// The values of a line, in the order of the table's columns.
pub(crate) fn decode(table: &Table, line: &str) -> Result<Vec<Arg>, TransferError> {
    let wrong = |reason: String| TransferError::archive(format!("a row of table `{}`: {reason}", table.name));
    let row: Map<String, Value> = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
    if let Some(unknown) = row.keys().find(|name| table.column(name).is_none()) {
        return Err(wrong(format!("there is no column `{unknown}`")));
    }
    let value = |column: &Column| {
        let value = row.get(&column.name).ok_or_else(|| wrong(format!("column `{}` is missing", column.name)))?;
        arg(column.kind, value).ok_or_else(|| wrong(format!("column `{}` does not hold `{value}`", column.name)))
    };
    table.columns.iter().map(value).collect()
}

fn arg(kind: Kind, value: &Value) -> Option<Arg> {
    Some(match (kind, value) {
        (Kind::Text | Kind::Bytes, Value::Null) => Arg::Text(None),
        (Kind::Text, Value::String(text)) => Arg::from(text.as_str()),
        (Kind::Bytes, Value::String(text)) if text.bytes().all(|it| it.is_ascii_hexdigit()) => Arg::from(text.as_str()),
        (Kind::Int, Value::Null) => Arg::Int(None),
        (Kind::Int, Value::Number(number)) => Arg::Int(Some(number.as_i64()?)),
        (Kind::Float, Value::Null) => Arg::Float(None),
        (Kind::Float, Value::String(text)) => Arg::Float(Some(text.parse().ok()?)),
        _ => return None,
    })
}
