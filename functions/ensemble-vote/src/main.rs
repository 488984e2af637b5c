//! Combines the predictions of several models: tables of a job, or a question over HTTP.

mod ask;
mod combine;
mod rows;

use std::fs;

use serde::Deserialize;
use serde_json::json;
use weft::{Event, Failure, OrFail, Run};
use weft_tables::{Column, Table};

use crate::{
    ask::{Answer, Question},
    combine::{Combined, Method, Tie, combine},
    rows::Rows,
};

/// The inputs, in the order of their weights.
const INPUTS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// How to combine.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    method: Method,
    tie: Tie,
    /// How much each table counts, in the order of the inputs; all alike, when empty.
    weights: Vec<f64>,
    /// The columns that tell which rows belong together; the order of rows, when empty.
    id: Vec<String>,
    /// The column of predictions.
    prediction: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            method: Method::Auto,
            tie: Tie::First,
            weights: Vec::new(),
            id: Vec::new(),
            prediction: "prediction".to_owned(),
        }
    }
}

#[weft::job]
fn vote(params: Params, run: &Run) -> Result<(), Failure> {
    let mut tables = Vec::new();
    for name in INPUTS.into_iter().filter(|it| run.has_input(it)) {
        tables.push(Table::from_csv(&fs::read(run.input(name)?)?).or_invalid("bad-table")?);
    }
    let rows = Rows::of(&tables, &params.id, &params.prediction).or_invalid("bad-table")?;
    let weights = combine::weights(&params.weights, tables.len()).or_invalid("bad-params")?;
    let method = params.method.of(&rows.votes);
    let all: Vec<Combined> = rows
        .votes
        .iter()
        .map(|votes| combine(votes, &weights, method, params.tie))
        .collect::<Result<_, _>>()
        .or_invalid("bad-table")?;
    write(run, &params, rows.kept, &all, tables.len())
}

/// One row at a time, for whoever asks several models and wants one answer.
#[weft::handler]
fn ask(event: Event<Question>) -> Result<Answer, Failure> {
    event.data.answer()
}

fn write(run: &Run, params: &Params, kept: Vec<Column>, all: &[Combined], tables: usize) -> Result<(), Failure> {
    let mut columns = kept;
    columns.push(combine::column(&params.prediction, all));
    columns.push(Column::numbers("agreement", all.iter().map(|it| it.agreement).collect()));
    let combined = Table::new(columns).or_invalid("bad-table")?;
    combined.to_csv(fs::File::create(run.output("predictions"))?).or_fatal("bad-output")?;
    run.describe("predictions", "dataset", &json!({ "rows": combined.rows(), "tables": tables }))?;
    let unanimous = all.iter().filter(|it| it.agreement >= 1.0).count();
    run.metric("rows", all.len() as f64);
    run.metric("ties", all.iter().filter(|it| it.was_tied).count() as f64);
    run.metric("unanimous_share", unanimous as f64 / all.len().max(1) as f64);
    run.metric("agreement", all.iter().map(|it| it.agreement).sum::<f64>() / all.len().max(1) as f64);
    Ok(())
}

#[cfg(test)]
mod tests;
