//! How columns of numbers go together.

use ndarray::Array2;
use ndarray_stats::CorrelationExt;
use serde::Serialize;
use weft_tables::{Table, Type};

/// Pearson's coefficient of every pair of columns of numbers, over the rows in which none is missing.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Correlations {
    /// The columns, in the order of the matrix. Those that never change are left out.
    pub(crate) columns: Vec<String>,
    /// How many rows have no gap.
    pub(crate) rows: usize,
    /// The coefficients.
    pub(crate) matrix: Vec<Vec<f64>>,
}

impl Correlations {
    /// `None` where there are not two columns of numbers, or not two rows without a gap.
    pub(crate) fn of(table: &Table) -> Option<Self> {
        let is_number = |kind| matches!(kind, Type::Integer | Type::Number);
        let columns: Vec<_> = table
            .columns()
            .iter()
            .filter(|it| is_number(it.kind()))
            .filter_map(|it| Some((it.name.clone(), it.as_numbers()?)))
            .filter(|(_, values)| varies(values))
            .collect();
        let complete = |row: &usize| columns.iter().all(|(_, values)| !values[*row].is_nan());
        let rows: Vec<usize> = (0..table.rows()).filter(complete).collect();
        if columns.len() < 2 || rows.len() < 2 {
            return None;
        }
        let values = Array2::from_shape_fn((columns.len(), rows.len()), |(column, row)| columns[column].1[rows[row]]);
        let matrix = values.pearson_correlation().ok()?;
        Some(Self {
            columns: columns.into_iter().map(|(name, _)| name).collect(),
            rows: rows.len(),
            matrix: matrix.rows().into_iter().map(|row| row.mapv(|it| it.clamp(-1.0, 1.0)).to_vec()).collect(),
        })
    }
}

fn varies(values: &[f64]) -> bool {
    let mut present = values.iter().filter(|it| !it.is_nan());
    present.next().is_some_and(|first| present.any(|it| it != first))
}
