//! What is computed of each group: `sum(price)`, `quantile(price, 0.95)`, `rows()`.

use std::collections::HashSet;

use serde_json::Value as Json;
use weft_tables::{Column, Table, Value};

use crate::group::Group;

/// One column of the summary.
#[derive(Debug)]
pub(crate) struct Measure {
    name: String,
    operation: Operation,
    /// The column; none for [`Operation::Rows`].
    of: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operation {
    Rows,
    Count,
    Distinct,
    Sum,
    Mean,
    Variance,
    Deviation,
    Quantile(f64),
    Least,
    Most,
    First,
    Last,
}

/// Why something is no measure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("`{0}` has to be a text such as \"sum(price)\"")]
    NoText(String),
    #[error("`{0}` is no measure: write one such as sum(price), quantile(price, 0.95) or rows()")]
    Form(String),
    #[error(
        "`{0}` is not known: there are rows, count, distinct, sum, mean, var, std, median, quantile, min, max, first \
         and last"
    )]
    Operation(String),
    #[error("`{0}` is no share from 0 to 1")]
    Share(String),
    #[error(transparent)]
    Table(#[from] weft_tables::Error),
}

impl Measure {
    /// Reads one, and sees that its column is there and fits.
    pub(crate) fn read(name: &str, text: &Json, table: &Table) -> Result<Self, Error> {
        let text = text.as_str().ok_or_else(|| Error::NoText(name.to_owned()))?.trim();
        let form = || Error::Form(text.to_owned());
        let (word, inside) = text.strip_suffix(')').and_then(|it| it.split_once('(')).ok_or_else(form)?;
        let (word, inside) = (word.trim(), inside.trim());
        // A column may have a comma in its name, so the share of a quantile is what follows the last.
        let (column, operation) = match word {
            "quantile" => {
                let (column, share) = inside.rsplit_once(',').ok_or_else(form)?;
                (column.trim(), Operation::Quantile(self::share(share.trim())?))
            }
            word => (inside, operation(word).ok_or_else(|| Error::Operation(word.to_owned()))?),
        };
        let of = match (operation, column) {
            (Operation::Rows, "") => None,
            (Operation::Rows, _) | (_, "") => return Err(form()),
            (operation, column) => {
                let found = table.column(column)?;
                if operation.needs_numbers() && found.as_numbers().is_none() {
                    return Err(weft_tables::Error::Text(column.to_owned()).into());
                }
                Some(column.to_owned())
            }
        };
        Ok(Self { name: name.to_owned(), operation, of })
    }

    /// The measure of every group.
    pub(crate) fn column(&self, table: &Table, groups: &[Group]) -> Result<Column, weft_tables::Error> {
        let Some(of) = &self.of else {
            return Ok(Column::numbers(&self.name, groups.iter().map(|it| it.rows.len() as f64).collect()));
        };
        let column = table.column(of)?;
        let is_there = |row: &&usize| !column.is_missing(**row);
        let number_of = |count: &dyn Fn(&Group) -> usize| {
            Column::numbers(&self.name, groups.iter().map(|it| count(it) as f64).collect())
        };
        Ok(match self.operation {
            Operation::Rows => number_of(&|it| it.rows.len()),
            Operation::Count => number_of(&|it| it.rows.iter().filter(is_there).count()),
            Operation::Distinct => number_of(&|it| {
                it.rows.iter().filter(is_there).map(|&row| column.value(row)).collect::<HashSet<Value>>().len()
            }),
            Operation::First => self.chosen(column, groups, |rows| rows.iter().find(is_there).copied()),
            Operation::Last => self.chosen(column, groups, |rows| rows.iter().rev().find(is_there).copied()),
            Operation::Least => self.chosen(column, groups, |rows| {
                rows.iter().filter(is_there).copied().min_by_key(|&it| column.value(it))
            }),
            Operation::Most => self.chosen(column, groups, |rows| {
                rows.iter().filter(is_there).copied().max_by_key(|&it| column.value(it))
            }),
            operation => {
                let numbers = column.as_numbers().ok_or_else(|| weft_tables::Error::Text(of.clone()))?;
                let present = |group: &Group| -> Vec<f64> {
                    group.rows.iter().filter_map(|&row| numbers.get(row).copied()).filter(|it| !it.is_nan()).collect()
                };
                Column::numbers(&self.name, groups.iter().map(|it| operation.of(present(it))).collect())
            }
        })
    }

    /// A value of the column itself, as it is.
    fn chosen(&self, column: &Column, groups: &[Group], row: impl Fn(&[usize]) -> Option<usize>) -> Column {
        let rows: Vec<Option<usize>> = groups.iter().map(|it| row(&it.rows)).collect();
        column.gather(&rows).renamed(&self.name)
    }
}

fn operation(word: &str) -> Option<Operation> {
    Some(match word {
        "rows" => Operation::Rows,
        "count" => Operation::Count,
        "distinct" => Operation::Distinct,
        "sum" => Operation::Sum,
        "mean" => Operation::Mean,
        "var" => Operation::Variance,
        "std" => Operation::Deviation,
        "median" => Operation::Quantile(0.5),
        "min" => Operation::Least,
        "max" => Operation::Most,
        "first" => Operation::First,
        "last" => Operation::Last,
        _ => return None,
    })
}

fn share(text: &str) -> Result<f64, Error> {
    let share: Option<f64> = text.parse().ok();
    share.filter(|it| (0.0..=1.0).contains(it)).ok_or_else(|| Error::Share(text.to_owned()))
}

impl Operation {
    fn needs_numbers(self) -> bool {
        matches!(self, Self::Sum | Self::Mean | Self::Variance | Self::Deviation | Self::Quantile(_))
    }

    /// What it makes of numbers, none of them missing. A sum of nothing is 0, as in pandas; all else is a gap.
    fn of(self, mut numbers: Vec<f64>) -> f64 {
        let count = numbers.len() as f64;
        match self {
            Self::Sum => sum(numbers.iter().copied()),
            Self::Mean => sum(numbers.iter().copied()) / count,
            Self::Variance => variance(&numbers),
            Self::Deviation => variance(&numbers).sqrt(),
            Self::Quantile(share) => {
                numbers.sort_unstable_by(f64::total_cmp);
                quantile(&numbers, share)
            }
            _ => f64::NAN,
        }
    }
}

/// A sum that carries along what each addition loses (Neumaier's).
fn sum(numbers: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0_f64);
    for number in numbers {
        let next = total + number;
        lost += if total.abs() >= number.abs() { (total - next) + number } else { (number - next) + total };
        total = next;
    }
    // What is infinite has lost nothing.
    if lost.is_finite() { total + lost } else { total }
}

/// Of a sample: a gap where there are not two.
fn variance(numbers: &[f64]) -> f64 {
    if numbers.len() < 2 {
        return f64::NAN;
    }
    let mean = sum(numbers.iter().copied()) / numbers.len() as f64;
    sum(numbers.iter().map(|it| (it - mean) * (it - mean))) / (numbers.len() - 1) as f64
}

/// Between its two neighbours in proportion.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let (below, above) = (place.floor(), place.ceil());
    let at = |place: f64| sorted.get(place as usize).copied().unwrap_or(f64::NAN);
    if below == above { at(below) } else { at(below) + (at(above) - at(below)) * (place - below) }
}
