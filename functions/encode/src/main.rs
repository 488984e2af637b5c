//! Turns text into numbers: one-hot, ordinal or by the mean of a target; and keeps the mapping.

mod apply;
mod fit;

use std::{fs, io::BufWriter};

use serde::Deserialize;
use weft::{Failure, OrFail, Run};
use weft_tables::{Column, Table, Values};

use crate::fit::{Gaps, Mapping, Method, Unknown};

/// How to encode.
#[derive(Deserialize)]
struct Params {
    /// The columns to encode; every one that does not hold numbers, when empty.
    #[serde(default)]
    columns: Vec<String>,
    /// What becomes of a category.
    #[serde(default)]
    method: Method,
    /// What becomes of a category that was not learned.
    #[serde(default)]
    unknown: Unknown,
    /// What becomes of a gap.
    #[serde(default)]
    missing: Gaps,
    /// Whether the first category gets no column of its own.
    #[serde(default)]
    drop_first: bool,
    /// The column whose mean is taken.
    #[serde(default)]
    label: String,
    /// How many rows the overall mean weighs as much as.
    #[serde(default = "smoothing")]
    smoothing: f64,
    /// The most categories of a column.
    #[serde(default = "most_categories")]
    most_categories: usize,
}

fn smoothing() -> f64 {
    10.0
}

fn most_categories() -> usize {
    1000
}

#[weft::job]
fn encode(params: Params, run: &Run) -> Result<(), Failure> {
    let table = Table::from_csv(&fs::read(run.input("data")?)?).or_invalid("bad-table")?;
    let (mapping, bytes): (Mapping, Vec<u8>) = if run.has_input("mapping") {
        let bytes = fs::read(run.input("mapping")?)?;
        (serde_json::from_slice(&bytes).or_invalid("bad-mapping")?, bytes)
    } else {
        let chosen = chosen(&params, &table)?;
        let mapping = Mapping::of(&params, &table, &chosen).or_invalid("cannot-fit")?;
        let bytes = serde_json::to_vec_pretty(&mapping)?;
        (mapping, bytes)
    };
    let encoded = mapping.apply(&table).or_invalid("cannot-encode")?;
    encoded.table.to_csv(BufWriter::new(fs::File::create(run.output("data"))?))?;
    fs::write(run.output("mapping"), bytes)?;
    run.describe("data", "dataset", &encoded.table.schema())?;
    run.metric("rows", table.rows() as f64);
    run.metric("columns", encoded.table.columns().len() as f64);
    run.metric("unknown", encoded.unknown as f64);
    run.result("encoded", &mapping.names())?;
    Ok(())
}

/// The columns asked for, or all that do not hold numbers, but never the label.
fn chosen<'a>(params: &Params, table: &'a Table) -> Result<Vec<&'a Column>, Failure> {
    if params.columns.contains(&params.label) {
        return Err(Failure::invalid("bad-params", "the label cannot be encoded by its own mean"));
    }
    if !params.columns.is_empty() {
        return params.columns.iter().map(|it| table.column(it).or_invalid("no-column")).collect();
    }
    let is_category = |it: &&Column| !matches!(it.values, Values::Number(_)) && it.name != params.label;
    Ok(table.columns().iter().filter(is_category).collect())
}

#[cfg(test)]
mod tests;
