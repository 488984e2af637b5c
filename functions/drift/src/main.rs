//! Compares two tables column by column: has what comes in now moved away from what a model learned from?

mod bins;
mod compare;
mod distance;
mod page;

use std::fs;

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, OrFail, Run};
use weft_tables::{Table, Type};

use crate::compare::{Compared, Measure, Thresholds};

/// How to compare.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// The columns to compare; all that both tables have, when empty.
    columns: Vec<String>,
    /// Into how many parts numbers are divided, alike many of the reference in each.
    bins: usize,
    /// What a column is said to have moved by.
    by: Measure,
    #[serde(flatten)]
    thresholds: Thresholds,
    /// The title of the page.
    title: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            columns: Vec::new(),
            bins: 10,
            by: Measure::Psi,
            thresholds: Thresholds::default(),
            title: "Drift".to_owned(),
        }
    }
}

#[weft::job]
fn drift(params: Params, run: &Run) -> Result<(), Failure> {
    let read = |name: &str| Table::from_csv(&fs::read(run.input(name)?)?).or_invalid("bad-table");
    let (reference, current) = (read("reference")?, read("current")?);
    if reference.rows() == 0 || current.rows() == 0 {
        return Err(Failure::invalid("bad-table", "a table without rows cannot be compared"));
    }
    let names = names(&params, &reference, &current)?;
    let compared: Vec<Compared> =
        names.iter().map(|name| compare(&params, name, &reference, &current)).collect::<Result<_, Failure>>()?;
    write(run, &params, &compared, (reference.rows(), current.rows()))
}

/// The columns asked for, or those of both tables.
fn names(params: &Params, reference: &Table, current: &Table) -> Result<Vec<String>, Failure> {
    if !params.columns.is_empty() {
        return Ok(params.columns.clone());
    }
    let is_in_both = |name: &String| current.columns().iter().any(|it| it.name == *name);
    let names: Vec<String> = reference.columns().iter().map(|it| it.name.clone()).filter(is_in_both).collect();
    if names.is_empty() {
        Err(Failure::invalid("bad-columns", "the tables have no column in common"))
    } else {
        Ok(names)
    }
}

fn compare(params: &Params, name: &str, reference: &Table, current: &Table) -> Result<Compared, Failure> {
    let before = reference.column(name).or_invalid("bad-columns")?;
    let now = current.column(name).or_invalid("bad-columns")?;
    let are_numbers = [before, now].iter().all(|it| matches!(it.kind(), Type::Integer | Type::Number));
    Ok(match (before.as_numbers(), now.as_numbers()) {
        (Some(numbers), Some(others)) if are_numbers => {
            Compared::of_numbers(name, &numbers, &others, params.bins.max(2), &params.thresholds, params.by)
        }
        _ => Compared::of_words(before, now, &params.thresholds, params.by),
    })
}

fn write(run: &Run, params: &Params, compared: &[Compared], rows: (usize, usize)) -> Result<(), Failure> {
    let drifted: Vec<&str> = compared.iter().filter(|it| it.has_drifted).map(|it| it.column.as_str()).collect();
    let share = drifted.len() as f64 / compared.len() as f64;
    let most = compared.iter().filter_map(|it| it.psi).fold(0.0, f64::max);
    let report = json!({
        "rows": { "reference": rows.0, "current": rows.1 },
        "by": params.by, "thresholds": params.thresholds,
        "drifted": drifted, "drifted_share": share, "columns": compared,
    });
    fs::write(run.output("report"), serde_json::to_vec_pretty(&report)?)?;
    fs::write(run.output("page"), page::render(&params.title, compared, rows, params.by))?;
    run.describe("report", "report", &json!({ "title": params.title, "drifted": drifted }))?;
    run.describe("page", "report", &json!({ "title": params.title }))?;
    run.metric("drifted", drifted.len() as f64);
    run.metric("drifted_share", share);
    run.metric("psi_max", most);
    run.result("columns_drifted", &drifted)
}

#[cfg(test)]
mod tests;
