//! One column: its name, and values whose type is what all its cells are.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Integers up to here survive in an `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The name in the header.
    pub name: String,
    /// The values, row by row.
    pub values: Values,
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers; NaN is missing.
    Number(Vec<f64>),
    /// Truth values.
    Boolean(Vec<Option<bool>>),
    /// Text.
    Text(Vec<Option<String>>),
}

/// The type of a column, as a schema tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// Truth values.
    Boolean,
    /// Text.
    Text,
}

impl Column {
    /// A column of numbers; NaN is missing.
    #[must_use]
    pub fn numbers(name: impl Into<String>, values: Vec<f64>) -> Self {
        Self { name: name.into(), values: Values::Number(values) }
    }

    /// A column of text.
    #[must_use]
    pub fn text(name: impl Into<String>, values: Vec<Option<String>>) -> Self {
        Self { name: name.into(), values: Values::Text(values) }
    }

    /// How many rows it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Number(values) => values.len(),
            Values::Boolean(values) => values.len(),
            Values::Text(values) => values.len(),
        }
    }

    /// Whether it has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What its values are.
    #[must_use]
    pub fn kind(&self) -> Type {
        match &self.values {
            Values::Number(values) if is_integer(values) => Type::Integer,
            Values::Number(_) => Type::Number,
            Values::Boolean(_) => Type::Boolean,
            Values::Text(_) => Type::Text,
        }
    }

    /// Whether the value at `row` is missing.
    #[must_use]
    pub fn is_missing(&self, row: usize) -> bool {
        match &self.values {
            Values::Number(values) => values.get(row).is_none_or(|it| it.is_nan()),
            Values::Boolean(values) => values.get(row).is_none_or(Option::is_none),
            Values::Text(values) => values.get(row).is_none_or(Option::is_none),
        }
    }

    /// How many values are missing.
    #[must_use]
    pub fn missing(&self) -> usize {
        (0..self.len()).filter(|&row| self.is_missing(row)).count()
    }

    /// The value at `row` as text; `None` where it is missing.
    #[must_use]
    pub fn cell(&self, row: usize) -> Option<Cow<'_, str>> {
        match &self.values {
            Values::Number(values) => values.get(row).filter(|it| !it.is_nan()).map(|it| it.to_string().into()),
            Values::Boolean(values) => values.get(row)?.map(|it| if it { "true" } else { "false" }.into()),
            Values::Text(values) => values.get(row)?.as_deref().map(Cow::Borrowed),
        }
    }

    /// The values as numbers, true as 1; `None` for text.
    #[must_use]
    pub fn as_numbers(&self) -> Option<Cow<'_, [f64]>> {
        let number = |value: &Option<bool>| value.map_or(f64::NAN, |it| f64::from(u8::from(it)));
        match &self.values {
            Values::Number(values) => Some(Cow::Borrowed(values)),
            Values::Boolean(values) => Some(values.iter().map(number).collect()),
            Values::Text(_) => None,
        }
    }

    /// The rows `rows`, in that order; rows that do not exist are left out.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        let values = match &self.values {
            Values::Number(values) => Values::Number(pick(values, rows)),
            Values::Boolean(values) => Values::Boolean(pick(values, rows)),
            Values::Text(values) => Values::Text(pick(values, rows)),
        };
        Self { name: self.name.clone(), values }
    }
}

fn pick<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().filter_map(|&row| values.get(row).cloned()).collect()
}

fn is_integer(values: &[f64]) -> bool {
    let mut present = values.iter().filter(|it| !it.is_nan()).peekable();
    present.peek().is_some() && present.all(|it| it.fract() == 0.0 && it.abs() <= EXACT)
}

/// What the cells of a column seen so far have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guess {
    seen: bool,
    number: bool,
    boolean: bool,
}

impl Guess {
    /// Nothing was seen.
    pub(crate) const NONE: Self = Self { seen: false, number: true, boolean: true };

    /// Takes another cell into account.
    pub(crate) fn see(&mut self, cell: &str) {
        if missing(cell) {
            return;
        }
        self.seen = true;
        self.number = self.number && number(cell).is_some();
        self.boolean = self.boolean && boolean(cell).is_some();
    }

    /// An empty column of the type that fits.
    pub(crate) fn values(self) -> Values {
        match self {
            Self { seen: true, boolean: true, .. } => Values::Boolean(Vec::new()),
            Self { number: true, .. } => Values::Number(Vec::new()),
            _ => Values::Text(Vec::new()),
        }
    }
}

impl Values {
    /// Adds a cell, which must fit the type.
    pub(crate) fn push(&mut self, cell: &str) {
        match self {
            Self::Number(values) => {
                values.push(if missing(cell) { f64::NAN } else { number(cell).unwrap_or(f64::NAN) })
            }
            Self::Boolean(values) => values.push(boolean(cell)),
            Self::Text(values) => values.push((!missing(cell)).then(|| cell.to_owned())),
        }
    }
}

fn missing(cell: &str) -> bool {
    matches!(cell, "" | "NA" | "N/A" | "NaN" | "nan" | "null" | "NULL" | "None" | "?")
}

fn boolean(cell: &str) -> Option<bool> {
    match cell {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// The number in a cell, unless writing it back would change it: `007`, or an integer that no `f64` holds.
fn number(cell: &str) -> Option<f64> {
    let digits = cell.trim_start_matches(['+', '-']);
    let whole = digits.bytes().all(|it| it.is_ascii_digit());
    let padded = digits.len() > 1 && digits.starts_with('0') && whole;
    let value: f64 = cell.parse().ok()?;
    (value.is_finite() && !padded && !(whole && value.abs() >= EXACT)).then_some(value)
}
