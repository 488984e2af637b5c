//! Scores every row of a table with a model, and keeps what tells the rows apart.

mod predictions;

use std::fs;

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, OrFail, Run, model::Tensor};
use weft_scoring::Scored;
use weft_tables::{Column, Table};

/// The input that is the model, as `weft::model` names it.
const MODEL: &str = "in/model";
/// The column of row numbers, where nothing else tells rows apart.
const ROW: &str = "row";

/// What to predict.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// The columns to keep; those that the model does not take, when empty.
    keep: Vec<String>,
    /// The column of what the model says.
    prediction: String,
    /// Whether columns say how likely each class is.
    probabilities: bool,
    /// How many rows are scored at once.
    batch: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self { keep: Vec::new(), prediction: "prediction".to_owned(), probabilities: true, batch: 1000 }
    }
}

#[weft::job]
fn predict(params: Params, run: &Run) -> Result<(), Failure> {
    with_model(&params, run, weft_scoring::host(MODEL))
}

/// The job, with the model behind a function, for there is none natively.
fn with_model(
    params: &Params,
    run: &Run,
    infer: impl Fn(&Tensor) -> Result<Vec<Tensor>, Failure>,
) -> Result<(), Failure> {
    let table = Table::from_csv(&fs::read(run.input("data")?)?).or_invalid("bad-table")?;
    if table.rows() == 0 {
        return Err(Failure::invalid("bad-table", "the table has no rows"));
    }
    // A label need not be there: it is what is asked for.
    let model = Scored::read(&fs::read(run.input("model")?)?, &table, "")?;
    let features = model.transform.raw(&table).or_invalid("bad-table")?;
    let gaps = features.iter().filter(|it| it.is_nan()).count();
    let progress = |done| run.progress(0.9 * done as f64 / table.rows() as f64, "scoring");
    let answer = model.answer(&features, params.batch, infer, progress)?;
    let mut columns = kept(params, &model, &table)?;
    columns.extend(predictions::columns(answer, &model.transform, &params.prediction, params.probabilities));
    write(run, columns, &model, gaps)
}

/// What tells rows apart: the columns asked for, or all that the model does not take, or the number of the row.
fn kept(params: &Params, model: &Scored, table: &Table) -> Result<Vec<Column>, Failure> {
    if !params.keep.is_empty() {
        let named = params.keep.iter().map(|it| table.column(it).cloned()).collect::<Result<Vec<_>, _>>();
        return named.or_invalid("bad-keep");
    }
    let is_feature = |it: &&Column| model.transform.features.iter().any(|feature| feature.name == it.name);
    let others: Vec<Column> = table.columns().iter().filter(|it| !is_feature(it)).cloned().collect();
    if others.is_empty() {
        let numbers = (1..=table.rows()).map(|it| it as f64).collect();
        return Ok(vec![Column::numbers(ROW, numbers)]);
    }
    Ok(others)
}

fn write(run: &Run, columns: Vec<Column>, model: &Scored, gaps: usize) -> Result<(), Failure> {
    let predictions = Table::new(columns).or_invalid("bad-keep")?;
    predictions.to_csv(fs::File::create(run.output("predictions"))?).or_fatal("bad-output")?;
    let names: Vec<&String> = predictions.columns().iter().map(|it| &it.name).collect();
    let says = json!({
        "columns": names, "rows": predictions.rows(),
        "task": model.transform.task, "predicts": model.transform.label, "classes": model.transform.classes,
    });
    run.describe("predictions", "dataset", &says)?;
    run.metric("rows", predictions.rows() as f64);
    run.metric("gaps", gaps as f64);
    Ok(())
}

#[cfg(test)]
mod tests;
