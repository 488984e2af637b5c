//! Gaps filled by the rows that are most alike.
//!
//! How far apart two rows are is told by the columns that both have: the squares of the differences add up, are scaled by
//! how many columns there are to how many both have, and the root is taken. Columns count as they are: scale them first.

use serde::{Deserialize, Serialize};
use weft_tables::{Column, Table};

use crate::fill::Error;

/// The most comparisons of rows.
pub(crate) const MOST: usize = 200_000_000;

/// The rows that were learned from.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Neighbors {
    count: usize,
    columns: Vec<String>,
    /// Row by row; null is a gap.
    rows: Vec<Vec<Option<f64>>>,
}

impl Neighbors {
    /// Keeps the rows of these columns.
    pub(crate) fn of(columns: &[&Column], count: usize) -> Result<Self, Error> {
        let (names, rows) = (columns.iter().map(|it| it.name.clone()).collect(), rows(columns)?);
        Ok(Self { count, columns: names, rows })
    }

    /// The columns of `table` with their gaps filled, as far as there are neighbours.
    pub(crate) fn fill<'a>(&'a self, table: &Table) -> Result<Vec<(&'a str, Column)>, Error> {
        let columns = self.columns.iter().map(|it| table.column(it)).collect::<Result<Vec<_>, _>>()?;
        let mut there = rows(&columns)?;
        let incomplete: Vec<usize> = (0..there.len()).filter(|&row| there[row].contains(&None)).collect();
        let comparisons = incomplete.len().saturating_mul(self.rows.len());
        if comparisons > MOST {
            return Err(Error::TooLarge(comparisons));
        }
        for row in incomplete {
            let filled = self.filled(&there[row]);
            there[row] = filled;
        }
        let column = |(at, name): (usize, &'a String)| {
            let numbers = there.iter().map(|row| row[at].unwrap_or(f64::NAN)).collect();
            (name.as_str(), Column::numbers(name, numbers))
        };
        Ok(self.columns.iter().enumerate().map(column).collect())
    }

    fn filled(&self, row: &[Option<f64>]) -> Vec<Option<f64>> {
        let mut near: Vec<(f64, usize)> =
            self.rows.iter().enumerate().filter_map(|(at, other)| Some((distance(row, other)?, at))).collect();
        // Of rows that are as near, the earlier counts.
        near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mean = |column: usize| {
            let there = near.iter().filter_map(|(_, at)| self.rows[*at][column]).take(self.count);
            let (sum, count) = there.fold((0.0, 0_u32), |(sum, count), it| (sum + it, count + 1));
            (count > 0).then(|| sum / f64::from(count))
        };
        row.iter().enumerate().map(|(column, cell)| cell.or_else(|| mean(column))).collect()
    }
}

/// How far apart two rows are; `None` where no column has a value in both.
fn distance(one: &[Option<f64>], other: &[Option<f64>]) -> Option<f64> {
    let squares = one.iter().zip(other).filter_map(|(a, b)| Some((a.as_ref()? - b.as_ref()?).powi(2)));
    let (sum, count) = squares.fold((0.0, 0_u32), |(sum, count), it| (sum + it, count + 1));
    (count > 0).then(|| (sum * one.len() as f64 / f64::from(count)).sqrt())
}

fn rows(columns: &[&Column]) -> Result<Vec<Vec<Option<f64>>>, Error> {
    let numbers = columns.iter().map(|it| it.as_numbers().ok_or_else(|| weft_tables::Error::Text(it.name.clone())));
    let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
    let count = columns.first().map_or(0, |it| it.len());
    Ok((0..count).map(|row| numbers.iter().map(|it| Some(it[row]).filter(|it| !it.is_nan())).collect()).collect())
}
