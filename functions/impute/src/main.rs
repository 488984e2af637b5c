//! Fills the gaps of a table, and keeps what it filled them with, to fill others alike.

mod fill;
mod neighbors;

use std::{collections::BTreeMap, fs, io::BufWriter};

use serde::Deserialize;
use weft::{Failure, OrFail, Run};
use weft_tables::{Column, Table};

use crate::fill::{Fitted, Strategy};

/// How to fill.
#[derive(Deserialize)]
struct Params {
    /// The columns to fill; every one that the strategy can fill, when empty.
    #[serde(default)]
    columns: Vec<String>,
    /// What to fill gaps with.
    #[serde(default)]
    strategy: Strategy,
    /// Other strategies for some columns.
    #[serde(default)]
    per_column: BTreeMap<String, Strategy>,
    /// The constant.
    #[serde(default)]
    value: String,
    /// How many neighbours the mean is taken of.
    #[serde(default = "neighbors")]
    neighbors: usize,
    /// Whether to add a column that tells where gaps were, for each that was filled.
    #[serde(default)]
    indicator: bool,
}

fn neighbors() -> usize {
    5
}

#[weft::job]
fn impute(params: Params, run: &Run) -> Result<(), Failure> {
    let table = Table::from_csv(&fs::read(run.input("data")?)?).or_invalid("bad-table")?;
    let (fitted, statistics) = if run.has_input("statistics") {
        let statistics = fs::read(run.input("statistics")?)?;
        (serde_json::from_slice(&statistics).or_invalid("bad-statistics")?, statistics)
    } else {
        let fitted = fit(&params, &table)?;
        let statistics = serde_json::to_vec_pretty(&fitted)?;
        (fitted, statistics)
    };
    let filled = fitted.apply(&table).or_invalid("cannot-fill")?;
    let filled = if params.indicator { with_indicators(filled, &table, &fitted)? } else { filled };
    filled.to_csv(BufWriter::new(fs::File::create(run.output("data"))?))?;
    fs::write(run.output("statistics"), statistics)?;
    run.describe("data", "dataset", &filled.schema())?;
    record(run, &table, &filled, &fitted)
}

fn fit(params: &Params, table: &Table) -> Result<Fitted, Failure> {
    let mut chosen = Vec::new();
    for name in params.per_column.keys().chain(&params.columns) {
        table.column(name).or_invalid("no-column")?;
    }
    let is_asked = |it: &Column| params.columns.is_empty() || params.columns.contains(&it.name);
    for column in table.columns() {
        match params.per_column.get(&column.name) {
            Some(strategy) => chosen.push((column, *strategy)),
            // Columns that nobody named are filled where that makes sense.
            None if params.columns.is_empty() && !params.strategy.fits(column) => {}
            None if is_asked(column) => chosen.push((column, params.strategy)),
            None => {}
        }
    }
    Fitted::of(&chosen, &params.value, params.neighbors).or_invalid("cannot-fit")
}

/// For each filled column one of truth values, true where a gap was.
fn with_indicators(filled: Table, table: &Table, fitted: &Fitted) -> Result<Table, Failure> {
    let mut columns = filled.columns().to_vec();
    for name in fitted.names() {
        let before = table.column(name).or_invalid("cannot-fill")?;
        let gaps = (0..table.rows()).map(|row| f64::from(u8::from(before.is_missing(row)))).collect();
        columns.push(Column::numbers(format!("{name}_missing"), gaps));
    }
    Table::new(columns).or_invalid("bad-columns")
}

fn record(run: &Run, table: &Table, filled: &Table, fitted: &Fitted) -> Result<(), Failure> {
    let gaps = |table: &Table| table.columns().iter().map(Column::missing).sum::<usize>();
    run.metric("rows", table.rows() as f64);
    run.metric("filled", gaps(table).saturating_sub(gaps(filled)) as f64);
    run.metric("left", gaps(filled) as f64);
    run.result("unfilled", &fitted.unfilled())?;
    if !fitted.unfilled().is_empty() {
        weft::warn!("columns without a value to learn from stay as they are: {}", fitted.unfilled().join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
