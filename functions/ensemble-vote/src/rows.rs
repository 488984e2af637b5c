//! Rows of several tables that belong together.

use std::collections::HashMap;

use weft_tables::{Column, Table};

/// What tells rows apart, and what each table says of them.
#[derive(Debug)]
pub(crate) struct Rows {
    /// The columns of the first table that tell rows apart.
    pub(crate) kept: Vec<Column>,
    /// Row by row, what each table says.
    pub(crate) votes: Vec<Vec<Option<String>>>,
}

/// Why rows do not belong together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there are no predictions: give at least the input a")]
    Nothing,
    #[error(transparent)]
    Table(#[from] weft_tables::Error),
    #[error("table {table} has {found} rows, the first has {expected}: name the columns that tell rows apart in id")]
    Rows { table: usize, found: usize, expected: usize },
    #[error("table {table} has two rows for {key}")]
    Twice { table: usize, key: String },
    #[error("table {table} has no row for {key}")]
    Absent { table: usize, key: String },
}

impl Rows {
    /// Rows of one place belong together, or those that are alike in the columns `id`. The first table says which rows
    /// there are, and in which order.
    pub(crate) fn of(tables: &[Table], id: &[String], prediction: &str) -> Result<Self, Error> {
        let first = tables.first().ok_or(Error::Nothing)?;
        let mut votes = vec![Vec::with_capacity(tables.len()); first.rows()];
        let keys = keys(first, id)?;
        for (at, table) in tables.iter().enumerate() {
            let said = table.column(prediction)?;
            let places = places(table, id, at + 1, &keys)?;
            for (votes, place) in votes.iter_mut().zip(places) {
                votes.push(said.cell(place).map(Into::into));
            }
        }
        let is_kept = |it: &&Column| {
            it.name != prediction && !it.name.starts_with("probability_") && (id.is_empty() || id.contains(&it.name))
        };
        Ok(Self { kept: first.columns().iter().filter(is_kept).cloned().collect(), votes })
    }
}

fn keys(table: &Table, id: &[String]) -> Result<Vec<String>, Error> {
    let columns: Vec<&Column> = id.iter().map(|it| table.column(it)).collect::<Result<_, _>>()?;
    let cell = |column: &&Column, row| column.cell(row).unwrap_or_default().into_owned();
    // A mark that no text of a table is likely to hold, so that `a, bc` and `ab, c` stay apart.
    Ok((0..table.rows()).map(|row| columns.iter().map(|it| cell(it, row)).collect::<Vec<_>>().join("\u{1f}")).collect())
}

/// Where the rows `wanted` are in `table`.
fn places(table: &Table, id: &[String], number: usize, wanted: &[String]) -> Result<Vec<usize>, Error> {
    if id.is_empty() {
        let (found, expected) = (table.rows(), wanted.len());
        return if found == expected {
            Ok((0..found).collect())
        } else {
            Err(Error::Rows { table: number, found, expected })
        };
    }
    let shown = |key: &str| key.replace('\u{1f}', ", ");
    let mut places = HashMap::new();
    for (row, key) in keys(table, id)?.into_iter().enumerate() {
        if places.insert(key.clone(), row).is_some() {
            return Err(Error::Twice { table: number, key: shown(&key) });
        }
    }
    let place = |key: &String| places.get(key).copied().ok_or_else(|| Error::Absent { table: number, key: shown(key) });
    wanted.iter().map(place).collect()
}
