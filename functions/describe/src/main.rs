//! Describes a dataset: schema, gaps, quantiles, histograms and correlations, as data and as a page.

mod correlation;
mod page;
mod statistics;

use std::fs;

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, OrFail, Run};
use weft_tables::Table;

use crate::statistics::Statistics;

/// What to look at.
#[derive(Deserialize)]
struct Params {
    /// The column a model is to predict; none, when empty.
    #[serde(default)]
    label: String,
    /// How many bins a histogram has at most.
    #[serde(default = "bins")]
    bins: usize,
    /// The title of the page.
    #[serde(default = "title")]
    title: String,
}

fn bins() -> usize {
    20
}

fn title() -> String {
    "Dataset".to_owned()
}

#[weft::job]
fn describe(params: Params, run: &Run) -> Result<(), Failure> {
    let bytes = fs::read(run.input("data")?)?;
    let table = Table::from_csv(&bytes).or_invalid("bad-table")?;
    let label = Some(params.label.as_str()).filter(|it| !it.is_empty());
    let statistics = Statistics::of(&table, label, params.bins.clamp(1, 200)).or_invalid("bad-label")?;
    fs::write(run.output("statistics"), serde_json::to_vec_pretty(&statistics)?)?;
    fs::write(run.output("page"), page::render(&params.title, &statistics))?;
    let shape = json!({ "rows": statistics.rows, "columns": statistics.columns.len() });
    run.describe("statistics", "table", &shape)?;
    run.describe("page", "report", &json!({ "title": params.title }))?;
    run.metric("rows", statistics.rows as f64);
    run.metric("columns", statistics.columns.len() as f64);
    run.metric("missing", statistics.missing() as f64);
    run.metric("duplicate_rows", statistics.duplicate_rows as f64);
    Ok(())
}

#[cfg(test)]
mod tests;
