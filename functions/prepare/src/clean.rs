//! Which rows and columns stay.

use std::collections::BTreeSet;

use serde::Deserialize;
use weft_tables::{Column, Table};

use crate::label::Labelling;

/// What happens to rows with a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Missing {
    /// They go.
    Drop,
    /// The model fills the gap with the mean of the column.
    Mean,
    /// The model fills the gap with the median of the column.
    Median,
}

/// What happens to rows that repeat an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Duplicates {
    /// They stay.
    Keep,
    /// They go, so that no row of the test was learned from.
    Drop,
}

/// Why a table cannot be cleaned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Table(#[from] weft_tables::Error),
    #[error("bins {0}")]
    Bins(&'static str),
    #[error("the label `{0}` cannot be a feature too")]
    LabelAsFeature(String),
    #[error("label `{label}` has {found} class; a classification needs two or more")]
    Classes { label: String, found: usize },
    #[error("no row is left: of {rows}, all lack the label or a feature")]
    NothingLeft { rows: usize },
}

/// What is left.
#[derive(Debug)]
pub(crate) struct Cleaned {
    /// The features and, last, the label.
    pub(crate) table: Table,
    /// How many rows went for a gap, or as a repetition.
    pub(crate) dropped: usize,
    /// How many rows repeat an earlier one, whether they went or not.
    pub(crate) duplicates: usize,
    /// Columns that are no features because they hold text.
    pub(crate) left_out: Vec<String>,
}

/// Takes features and label, relabels, and drops rows that cannot be learned from.
pub(crate) fn clean(
    table: &Table,
    label: &str,
    features: &[String],
    labelling: &Labelling<'_>,
    missing: Missing,
    duplicates: Duplicates,
) -> Result<Cleaned, Error> {
    let target = labelling.apply(table.column(label)?)?;
    let (mut columns, left_out) = features_of(table, label, features)?;
    columns.push(target);
    let whole = Table::new(columns)?;
    let repeated = repeated_rows(&whole);
    let stays = |row: &usize| {
        let gap = whole.columns().iter().enumerate().any(|(at, column)| {
            let matters = missing == Missing::Drop || at + 1 == whole.columns().len();
            matters && column.is_missing(*row)
        });
        !(gap || duplicates == Duplicates::Drop && repeated.contains(row))
    };
    let rows: Vec<usize> = (0..whole.rows()).filter(stays).collect();
    if rows.is_empty() {
        return Err(Error::NothingLeft { rows: whole.rows() });
    }
    let dropped = whole.rows() - rows.len();
    Ok(Cleaned { table: whole.pick(&rows), dropped, duplicates: repeated.len(), left_out })
}

/// The features asked for, or every column of numbers but the label; and the columns left out.
fn features_of(table: &Table, label: &str, asked: &[String]) -> Result<(Vec<Column>, Vec<String>), Error> {
    if asked.iter().any(|it| it == label) {
        return Err(Error::LabelAsFeature(label.to_owned()));
    }
    let mut features = Vec::new();
    if asked.is_empty() {
        let others = || table.columns().iter().filter(|it| it.name != label);
        features.extend(others().filter(|it| it.as_numbers().is_some()).cloned());
        let left_out = others().filter(|it| it.as_numbers().is_none()).map(|it| it.name.clone()).collect();
        if features.is_empty() {
            return Err(weft_tables::Error::NoFeatures(label.to_owned()).into());
        }
        return Ok((features, left_out));
    }
    for name in asked {
        let column = table.column(name)?;
        column.as_numbers().ok_or_else(|| weft_tables::Error::Text(name.clone()))?;
        features.push(column.clone());
    }
    Ok((features, Vec::new()))
}

fn repeated_rows(table: &Table) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let row = |at| table.columns().iter().map(|it| it.cell(at)).collect::<Vec<_>>();
    (0..table.rows()).filter(|&at| !seen.insert(row(at))).collect()
}
