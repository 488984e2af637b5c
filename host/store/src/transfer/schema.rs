//! Tables and columns as the database itself tells of them, parents before children.

use std::collections::{BTreeMap, BTreeSet};

use super::TransferError;
use crate::{
    StoreError,
    sql::{Row, Tx, args},
};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Int,
    Float,
    Bytes,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// A table, its columns in order of name, so that both databases have them in the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// The columns of its primary key, which its rows are sorted by.
    pub(crate) key: Vec<String>,
}

const LITE_TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' AND SUBSTR(name, 1, 7) <> 'sqlite_' \
                           AND name <> '_sqlx_migrations' ORDER BY name";
const PG_TABLES: &str = "SELECT CAST(table_name AS TEXT) AS name FROM information_schema.tables \
                         WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' \
                         AND table_name <> '_sqlx_migrations' ORDER BY 1";
const LITE_COLUMNS: &str =
    "SELECT name, type AS kind, CAST(pk AS INTEGER) AS place FROM pragma_table_info($1) ORDER BY name";
const PG_COLUMNS: &str = "SELECT CAST(a.attname AS TEXT) AS name, format_type(a.atttypid, NULL) AS kind, \
                          CAST(COALESCE(array_position(CAST(i.indkey AS SMALLINT[]), a.attnum) + 1, 0) AS BIGINT) AS place \
                          FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary \
                          WHERE a.attrelid = CAST(CAST($1 AS TEXT) AS regclass) AND a.attnum > 0 AND NOT a.attisdropped \
                          ORDER BY CAST(a.attname AS TEXT) COLLATE \"C\"";
const LITE_PARENTS: &str = "SELECT DISTINCT \"table\" AS parent FROM pragma_foreign_key_list($1)";
const PG_PARENTS: &str = "SELECT DISTINCT CAST(p.relname AS TEXT) AS parent FROM pg_constraint k \
                          JOIN pg_class p ON p.oid = k.confrelid \
                          WHERE k.contype = 'f' AND k.conrelid = CAST(CAST($1 AS TEXT) AS regclass)";

/// Every table of the schema, parents before children.
pub(crate) async fn tables(tx: &mut Tx) -> Result<Vec<Table>, TransferError> {
    let (tables, columns, parents) =
        if tx.is_postgres() { (PG_TABLES, PG_COLUMNS, PG_PARENTS) } else { (LITE_TABLES, LITE_COLUMNS, LITE_PARENTS) };
    let names: Vec<String> = texts(&tx.rows(tables, vec![]).await?, "name")?;
    let mut found = BTreeMap::new();
    for name in names {
        let table = table(&name, &tx.rows(columns, args![name.as_str()]).await?)?;
        let parents: BTreeSet<String> = texts(&tx.rows(parents, args![name.as_str()]).await?, "parent")?
            .into_iter()
            .filter(|parent| *parent != name)
            .collect();
        found.insert(name, (table, parents));
    }
    Ok(in_order(found))
}

fn texts(rows: &[Row], column: &str) -> Result<Vec<String>, StoreError> {
    rows.iter().map(|row| row.get(column)).collect()
}

fn table(name: &str, rows: &[Row]) -> Result<Table, TransferError> {
    let mut key = BTreeMap::new();
    let mut columns = Vec::with_capacity(rows.len());
    for row in rows {
        let (column, kind): (String, String) = (row.get("name")?, row.get("kind")?);
        let place: i64 = row.get("place")?;
        if place > 0 {
            key.insert(place, column.clone());
        }
        let kind = kind_of(&kind).ok_or_else(|| TransferError::Column {
            table: name.to_owned(),
            column: column.clone(),
            kind: kind.clone(),
        })?;
        columns.push(Column { name: column, kind });
    }
    Ok(Table { name: name.to_owned(), columns, key: key.into_values().collect() })
}

fn kind_of(declared: &str) -> Option<Kind> {
    match declared.to_ascii_lowercase().as_str() {
        "text" => Some(Kind::Text),
        "bigint" | "integer" | "smallint" => Some(Kind::Int),
        "real" | "double precision" => Some(Kind::Float),
        "blob" | "bytea" => Some(Kind::Bytes),
        _ => None,
    }
}

/// Parents first; tables that refer to one another in a circle come last, in order of name.
fn in_order(mut left: BTreeMap<String, (Table, BTreeSet<String>)>) -> Vec<Table> {
    let mut tables = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_free = |parents: &BTreeSet<String>| parents.iter().all(|parent| !left.contains_key(parent));
        let free: Vec<String> =
            left.iter().filter(|(_, (_, parents))| is_free(parents)).map(|(name, _)| name.clone()).collect();
        let next = if free.is_empty() { left.keys().cloned().collect() } else { free };
        tables.extend(next.iter().filter_map(|name| left.remove(name)).map(|(table, _)| table));
    }
    tables
}

impl Table {
    /// A column by its name.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|it| it.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_before_children_and_circles_do_not_hang() {
        let table = |name: &str| Table { name: name.into(), columns: Vec::new(), key: Vec::new() };
        let with = |name: &str, parents: &[&str]| {
            (name.to_owned(), (table(name), parents.iter().map(|it| (*it).to_owned()).collect()))
        };
        let found = [with("a", &["c"]), with("b", &[]), with("c", &["b"]), with("x", &["y"]), with("y", &["x"])];
        let order: Vec<_> = in_order(found.into()).into_iter().map(|it| it.name).collect();
        assert_eq!(order, ["b", "c", "a", "x", "y"]);
    }

    #[test]
    fn a_type_nobody_thought_of_is_an_error_rather_than_a_loss() {
        assert_eq!(kind_of("BIGINT"), Some(Kind::Int));
        assert_eq!(kind_of("double precision"), Some(Kind::Float));
        assert_eq!(kind_of("jsonb"), None);
    }
}
