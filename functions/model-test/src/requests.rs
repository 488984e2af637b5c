//! Rows as requests of the Open Inference Protocol.

use serde_json::json;
use weft_tables::{Column, Error, Table};

/// As many requests are made before they are sent again from the beginning.
const MOST: usize = 1000;

/// A body for every `rows` rows; gaps are sent as 0, for JSON has no NaN.
pub(crate) fn of_rows(table: &Table, features: &[String], rows: usize, input: &str) -> Result<Vec<Vec<u8>>, Error> {
    if table.rows() == 0 {
        return Err(Error::NoRows);
    }
    let all = || table.columns().iter().filter(|it| it.as_numbers().is_some()).collect();
    let named = || features.iter().map(|it| table.column(it)).collect::<Result<Vec<&Column>, _>>();
    let columns: Vec<&Column> = if features.is_empty() { all() } else { named()? };
    let numbers: Vec<_> = columns
        .iter()
        .map(|it| it.as_numbers().ok_or_else(|| Error::Text(it.name.clone())))
        .collect::<Result<_, _>>()?;
    let value = |row: usize, column: usize| Some(numbers[column][row]).filter(|it| it.is_finite()).unwrap_or(0.0);
    let row = |row: usize| (0..numbers.len()).map(|column| value(row, column)).collect::<Vec<f64>>();
    let body = |first: usize| {
        let last = (first + rows).min(table.rows());
        let data: Vec<f64> = (first..last).flat_map(row).collect();
        let tensor = json!({ "name": input, "datatype": "FP32", "shape": [last - first, numbers.len()], "data": data });
        json!({ "inputs": [tensor] }).to_string().into_bytes()
    };
    Ok((0..table.rows()).step_by(rows).take(MOST).map(body).collect())
}
