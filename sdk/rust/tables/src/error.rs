//! Why a table is not what a function needs.

/// Why a table is not what a function needs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not CSV, or its rows differ in length.
    #[error("the table cannot be read as csv: {0}")]
    Csv(#[from] csv::Error),
    /// It has no columns.
    #[error("the table has no header")]
    NoHeader,
    /// It has no rows.
    #[error("the table has no rows")]
    NoRows,
    /// There is nothing to learn from.
    #[error("no column but the label `{0}` holds numbers")]
    NoFeatures(String),
    /// Two columns have one name.
    #[error("two columns are called `{0}`")]
    Duplicate(String),
    /// A column is missing.
    #[error("there is no column `{wanted}`{}; the columns are {there}", hint(.like))]
    NoColumn {
        /// What was asked for.
        wanted: String,
        /// A column of a similar name.
        like: Option<String>,
        /// The columns there are.
        there: String,
    },
    /// A column holds text where numbers are needed.
    #[error("column `{0}` holds text, where numbers are needed")]
    Text(String),
    /// A label is not one of the classes.
    #[error("row {row}: `{label}` is not a class of `{column}`; the classes are {classes}")]
    Class {
        /// The row, counted from 1 below the header.
        row: usize,
        /// The label's column.
        column: String,
        /// What the row says.
        label: String,
        /// The classes there are.
        classes: String,
    },
    /// A label is missing.
    #[error("row {row}: `{column}` is missing")]
    NoLabel {
        /// The row, counted from 1 below the header.
        row: usize,
        /// The label's column.
        column: String,
    },
    /// A cell is no moment.
    #[error("row {row}: `{cell}` in column `{column}` is no time: write it as 2026-01-31T12:00:00Z")]
    Time {
        /// The row, counted from 1 below the header.
        row: usize,
        /// The column.
        column: String,
        /// What it says.
        cell: String,
    },
    /// A text is no span of time.
    #[error("`{0}` is no span of time: write a number and us, ms, s, m, h, d or w, such as 15m")]
    Span(String),
    /// Columns of different length cannot stand side by side.
    #[error("column `{column}` has {found} rows, where others have {expected}")]
    Ragged {
        /// The column.
        column: String,
        /// How many rows the first column has.
        expected: usize,
        /// How many this one has.
        found: usize,
    },
}

fn hint(like: &Option<String>) -> String {
    like.as_ref().map(|it| format!(" (is it `{it}`?)")).unwrap_or_default()
}
