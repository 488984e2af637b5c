//! Categories become numbers.

use std::collections::HashMap;

use weft_tables::{Column, Table};

use crate::fit::{Categories, Gaps, Mapping, Method, Unknown};

/// What a gap is called where it is a category.
const GAP: &str = "missing";

/// Why a table cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Table(#[from] weft_tables::Error),
    #[error("row {row}: `{cell}` is no category of `{column}` that was learned")]
    Unknown { row: usize, cell: String, column: String },
    #[error("the mapping of `{0}` has no mean for each of its categories")]
    Means(String),
}

/// The table in numbers, and how many cells had a category that was not learned.
pub(crate) struct Encoded {
    pub(crate) table: Table,
    pub(crate) unknown: usize,
}

/// What a cell is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cell {
    /// This category.
    At(usize),
    /// None that was learned.
    Unknown,
    /// A gap that is no category.
    Gap,
}

impl Mapping {
    /// The table with its columns encoded, each where it was.
    pub(crate) fn apply(&self, table: &Table) -> Result<Encoded, Error> {
        let mut unknown = 0;
        let mut columns = Vec::new();
        for learned in &self.columns {
            table.column(&learned.name)?;
        }
        for column in table.columns() {
            let Some(learned) = self.columns.iter().find(|it| it.name == column.name) else {
                columns.push(column.clone());
                continue;
            };
            let cells = self.cells(column, learned)?;
            unknown += cells.iter().filter(|it| **it == Cell::Unknown).count();
            columns.extend(self.columns_of(learned, &cells)?);
        }
        Ok(Encoded { table: Table::new(columns)?, unknown })
    }

    fn cells(&self, column: &Column, learned: &Categories) -> Result<Vec<Cell>, Error> {
        let places: HashMap<Option<&str>, usize> =
            learned.categories.iter().enumerate().map(|(at, it)| (it.as_deref(), at)).collect();
        let of = |row| {
            let cell = column.cell(row);
            match (places.get(&cell.as_deref()).copied(), cell) {
                (Some(at), _) => Ok(Cell::At(at)),
                (None, None) if self.missing == Gaps::Ignore => Ok(Cell::Gap),
                (None, _) if self.unknown == Unknown::Ignore => Ok(Cell::Unknown),
                (None, cell) => Err(Error::Unknown {
                    row: row + 1,
                    cell: cell.unwrap_or_default().into_owned(),
                    column: column.name.clone(),
                }),
            }
        };
        (0..column.len()).map(of).collect()
    }

    fn columns_of(&self, learned: &Categories, cells: &[Cell]) -> Result<Vec<Column>, Error> {
        let one = |numbers: Vec<f64>| vec![Column::numbers(&learned.name, numbers)];
        Ok(match self.method {
            Method::OneHot => {
                let categories = learned.categories.iter().enumerate().skip(usize::from(self.drop_first));
                let column = |(at, category): (usize, &Option<String>)| {
                    let name = format!("{}_{}", learned.name, category.as_deref().unwrap_or(GAP));
                    let is = |cell: &Cell| f64::from(u8::from(*cell == Cell::At(at)));
                    Column::numbers(name, cells.iter().map(is).collect())
                };
                categories.map(column).collect()
            }
            Method::Ordinal => {
                let place = |cell: &Cell| match cell {
                    Cell::At(at) => *at as f64,
                    Cell::Unknown => -1.0,
                    Cell::Gap => f64::NAN,
                };
                one(cells.iter().map(place).collect())
            }
            Method::Target => {
                let overall = self.mean.filter(|_| learned.means.len() == learned.categories.len());
                let overall = overall.ok_or_else(|| Error::Means(learned.name.clone()))?;
                let mean = |cell: &Cell| match cell {
                    Cell::At(at) => learned.means.get(*at).copied().unwrap_or(overall),
                    Cell::Unknown | Cell::Gap => overall,
                };
                one(cells.iter().map(mean).collect())
            }
        })
    }
}
