//! Finds rows that are unlike the others by an isolation forest.

mod isolation;

use std::fs;

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, OrFail, Run};
use weft_tables::{Column, Table, Values};

use crate::isolation::{Isolation, Settings};

/// What to look for.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// The columns that say what a row is like; every column of numbers, when empty.
    features: Vec<String>,
    /// How many trees.
    trees: usize,
    /// How many rows each tree sees.
    sample: usize,
    /// The share of rows to be marked; by score, when 0.
    contamination: f64,
    /// The score from which a row is marked, where no share is given.
    threshold: f64,
    /// The seed of the trees; the run's, where none is given.
    seed: Option<u64>,
}

impl Default for Params {
    fn default() -> Self {
        Self { features: Vec::new(), trees: 100, sample: 256, contamination: 0.0, threshold: 0.5, seed: None }
    }
}

#[weft::job]
fn find(params: Params, run: &Run) -> Result<(), Failure> {
    let table = Table::from_csv(&fs::read(run.input("data")?)?).or_invalid("bad-table")?;
    let names = names(&params, &table)?;
    let rows = rows(&table, &names)?;
    if !(0.0..=0.5).contains(&params.contamination) {
        return Err(Failure::invalid("bad-params", "contamination must be from 0 to 0.5"));
    }
    let settings = Settings {
        trees: params.trees.max(1),
        sample: params.sample.max(2),
        seed: params.seed.unwrap_or_else(|| run.seed()),
    };
    let progress = |done: usize| run.progress(0.5 * done as f64 / settings.trees as f64, "growing");
    let scores = Isolation::grown(&rows, &settings, progress).scores(&rows);
    let threshold = threshold(&params, &scores);
    write(run, &table, &scores, threshold, &names)
}

fn names(params: &Params, table: &Table) -> Result<Vec<String>, Failure> {
    let numbers = || table.columns().iter().filter(|it| it.as_numbers().is_some()).map(|it| it.name.clone()).collect();
    let names: Vec<String> = if params.features.is_empty() { numbers() } else { params.features.clone() };
    if names.is_empty() { Err(Failure::invalid("bad-features", "no column holds numbers")) } else { Ok(names) }
}

/// The features row by row; gaps are the mean of their column, which is unlike nothing.
fn rows(table: &Table, names: &[String]) -> Result<Vec<Vec<f64>>, Failure> {
    if table.rows() < 2 {
        return Err(Failure::invalid("bad-table", "a row alone is unlike no other: give at least two"));
    }
    let mut rows = vec![Vec::with_capacity(names.len()); table.rows()];
    for name in names {
        let column = table.column(name).or_invalid("bad-features")?;
        let Some(numbers) = column.as_numbers() else {
            return Err(Failure::invalid("bad-features", format!("column `{name}` holds text")));
        };
        let present: Vec<f64> = numbers.iter().copied().filter(|it| !it.is_nan()).collect();
        let mean = present.iter().sum::<f64>() / present.len().max(1) as f64;
        rows.iter_mut().zip(numbers.iter()).for_each(|(row, it)| row.push(if it.is_nan() { mean } else { *it }));
    }
    Ok(rows)
}

/// The score from which a row is marked: that of the share asked for.
fn threshold(params: &Params, scores: &[f64]) -> f64 {
    if params.contamination <= 0.0 {
        return params.threshold;
    }
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let marked = ((scores.len() as f64 * params.contamination).round() as usize).clamp(1, scores.len());
    sorted[marked - 1]
}

fn write(run: &Run, table: &Table, scores: &[f64], threshold: f64, names: &[String]) -> Result<(), Failure> {
    let marks: Vec<Option<bool>> = scores.iter().map(|it| Some(*it >= threshold)).collect();
    let found = marks.iter().filter(|it| **it == Some(true)).count();
    let is_new = |it: &&Column| !["outlier_score", "is_outlier"].contains(&it.name.as_str());
    let columns = table.columns().iter().filter(is_new).cloned().chain([
        Column::numbers("outlier_score", scores.to_vec()),
        Column { name: "is_outlier".to_owned(), values: Values::Boolean(marks) },
    ]);
    let scored = Table::new(columns.collect()).or_fatal("bad-output")?;
    scored.to_csv(fs::File::create(run.output("scores"))?).or_fatal("bad-output")?;
    run.describe("scores", "dataset", &json!({ "rows": scored.rows(), "features": names, "threshold": threshold }))?;
    run.metric("outliers", found as f64);
    run.metric("outlier_share", found as f64 / scores.len() as f64);
    run.metric("threshold", threshold);
    run.result("outlier_rows", &most_unlike(scores, threshold))
}

/// The rows that are marked, counted from 1, the most unlike first; a hundred at most.
fn most_unlike(scores: &[f64], threshold: f64) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..scores.len()).filter(|&row| scores[row] >= threshold).collect();
    rows.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    rows.truncate(100);
    rows.into_iter().map(|row| row + 1).collect()
}

#[cfg(test)]
mod tests;
