//! What stands for a gap in each column: learned from one table, put into others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use weft_tables::{Column, Table, Value, Values};

use crate::neighbors::Neighbors;

/// What to fill gaps with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Strategy {
    /// The mean.
    Mean,
    /// The value in the middle.
    #[default]
    Median,
    /// The value that occurs most often; of several the least.
    MostFrequent,
    /// The param `value`.
    Constant,
    /// The mean of the rows that are most alike.
    Knn,
}

/// Why nothing can be learned, or filled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Table(#[from] weft_tables::Error),
    #[error("`value` is empty: say what the constant is")]
    NoValue,
    #[error("`neighbors` has to be at least 1")]
    NoNeighbors,
    #[error("column `{column}` holds no {wanted}, with which its gaps would be filled")]
    Type { column: String, wanted: &'static str },
    #[error("{0} comparisons of rows would be needed, and {most} are made at most: fit on fewer rows", most = crate::neighbors::MOST)]
    TooLarge(usize),
}

/// What was learned.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fitted {
    columns: Vec<Fill>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    neighbors: Option<Neighbors>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fill {
    name: String,
    strategy: Strategy,
    /// What stands for a gap; null where there was nothing to learn from. With neighbours, where there are none.
    value: Json,
}

impl Strategy {
    /// Whether it can fill such a column.
    pub(crate) fn fits(self, column: &Column) -> bool {
        matches!(self, Self::MostFrequent | Self::Constant) || column.as_numbers().is_some()
    }
}

impl Fitted {
    /// Learns from columns, each with its strategy.
    pub(crate) fn of(chosen: &[(&Column, Strategy)], constant: &str, neighbors: usize) -> Result<Self, Error> {
        let fill = |(column, strategy): &(&Column, Strategy)| {
            Ok(Fill { name: column.name.clone(), strategy: *strategy, value: value(column, *strategy, constant)? })
        };
        let columns = chosen.iter().map(fill).collect::<Result<_, Error>>()?;
        let alike: Vec<&Column> =
            chosen.iter().filter(|(_, strategy)| *strategy == Strategy::Knn).map(|(column, _)| *column).collect();
        let neighbors = match alike.is_empty() {
            true => None,
            false if neighbors == 0 => return Err(Error::NoNeighbors),
            false => Some(Neighbors::of(&alike, neighbors)?),
        };
        Ok(Self { columns, neighbors })
    }

    /// The columns it fills.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|it| it.name.as_str())
    }

    /// The columns in which there was nothing to learn from.
    pub(crate) fn unfilled(&self) -> Vec<&str> {
        self.columns.iter().filter(|it| it.value.is_null()).map(|it| it.name.as_str()).collect()
    }

    /// The table with its gaps filled.
    pub(crate) fn apply(&self, table: &Table) -> Result<Table, Error> {
        let mut new: BTreeMap<&str, Column> = BTreeMap::new();
        for fill in self.columns.iter().filter(|it| it.strategy != Strategy::Knn) {
            new.insert(&fill.name, filled(table.column(&fill.name)?, &fill.value)?);
        }
        if let Some(neighbors) = &self.neighbors {
            for (name, column) in neighbors.fill(table)? {
                let fallback = self.columns.iter().find(|it| it.name == name).map_or(&Json::Null, |it| &it.value);
                new.insert(name, filled(&column, fallback)?);
            }
        }
        let columns = table.columns().iter().map(|it| new.remove(it.name.as_str()).unwrap_or_else(|| it.clone()));
        Ok(Table::new(columns.collect())?)
    }
}

/// What stands for a gap in `column`.
fn value(column: &Column, strategy: Strategy, constant: &str) -> Result<Json, Error> {
    let text = || weft_tables::Error::Text(column.name.clone());
    Ok(match strategy {
        Strategy::Mean | Strategy::Median | Strategy::Knn => {
            let numbers = column.as_numbers().ok_or_else(text)?;
            let mut present: Vec<f64> = numbers.iter().copied().filter(|it| !it.is_nan()).collect();
            if strategy == Strategy::Median { Json::from(median(&mut present)) } else { Json::from(mean(&present)) }
        }
        Strategy::MostFrequent => json(most_frequent(column)),
        Strategy::Constant if constant.is_empty() => return Err(Error::NoValue),
        Strategy::Constant => match &column.values {
            // A column of gaps alone becomes what the constant is.
            Values::Number(_) if column.missing() == column.len() => {
                constant.parse::<f64>().map_or_else(|_| Json::from(constant), Json::from)
            }
            Values::Number(_) => Json::from(constant.parse::<f64>().map_err(|_| wrong(column, "text"))?),
            Values::Boolean(_) => Json::from(constant.parse::<bool>().map_err(|_| wrong(column, "text"))?),
            Values::Text(_) => Json::from(constant),
        },
    })
}

fn wrong(column: &Column, wanted: &'static str) -> Error {
    Error::Type { column: column.name.clone(), wanted }
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers {
        [] => f64::NAN,
        _ if numbers.len() % 2 == 1 => numbers[middle],
        _ => (numbers[middle - 1] + numbers[middle]) / 2.0,
    }
}

fn most_frequent(column: &Column) -> Value {
    let mut counts: BTreeMap<Value, usize> = BTreeMap::new();
    for row in (0..column.len()).filter(|&row| !column.is_missing(row)) {
        *counts.entry(column.value(row)).or_default() += 1;
    }
    let most = counts.values().copied().max();
    // In order, so that the first of those as frequent is the least.
    counts.into_iter().find(|(_, count)| Some(*count) == most).map_or(Value::Missing, |(value, _)| value)
}

fn json(value: Value) -> Json {
    match value {
        Value::Boolean(it) => Json::from(it),
        Value::Number(it) => Json::from(it.get()),
        Value::Text(it) => Json::from(it),
        Value::Missing => Json::Null,
    }
}

/// The column with `value` in its gaps.
fn filled(column: &Column, value: &Json) -> Result<Column, Error> {
    let is_gap = column.missing() == column.len();
    let values = match (&column.values, value) {
        (values, Json::Null) => values.clone(),
        (Values::Number(numbers), Json::Number(value)) => {
            let value = value.as_f64().unwrap_or(f64::NAN);
            Values::Number(numbers.iter().map(|it| if it.is_nan() { value } else { *it }).collect())
        }
        // Truth values with a mean are numbers from now on.
        (Values::Boolean(_), Json::Number(value)) => {
            let value = value.as_f64().unwrap_or(f64::NAN);
            let numbers = column.as_numbers().unwrap_or_default();
            Values::Number(numbers.iter().map(|it| if it.is_nan() { value } else { *it }).collect())
        }
        (Values::Boolean(cells), Json::Bool(value)) => {
            Values::Boolean(cells.iter().map(|it| it.or(Some(*value))).collect())
        }
        (Values::Text(cells), Json::String(value)) => {
            Values::Text(cells.iter().map(|it| it.clone().or_else(|| Some(value.clone()))).collect())
        }
        (_, Json::String(value)) if is_gap => Values::Text(vec![Some(value.clone()); column.len()]),
        (_, Json::Bool(value)) if is_gap => Values::Boolean(vec![Some(*value); column.len()]),
        (_, Json::Number(_)) => return Err(wrong(column, "numbers")),
        (_, Json::Bool(_)) => return Err(wrong(column, "truth values")),
        _ => return Err(wrong(column, "text")),
    };
    Ok(Column { name: column.name.clone(), values })
}
