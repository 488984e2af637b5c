//! Scores an exported model on rows it has not seen, as data and as a page.

mod classes;
mod page;
mod roc;
mod score;
mod values;

use std::fs;

use serde::Deserialize;
use serde_json::json;
use weft::{
    Failure, OrFail, Run,
    model::{self, Tensor},
};
use weft_onnx::{Port, Summary};
use weft_tables::{Examples, Table, Target, Task, Transform};

use crate::{classes::Classification, score::Answer, values::Regression};

/// The input that is the model, as `weft::model` names it.
const MODEL: &str = "in/model";

/// What to evaluate.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// The column to predict, for a model that does not say; the last, when empty.
    label: String,
    /// How many rows are scored at once.
    batch: usize,
    /// The title of the page.
    title: String,
}

impl Default for Params {
    fn default() -> Self {
        Self { label: String::new(), batch: 500, title: "Evaluation".to_owned() }
    }
}

#[weft::job]
fn evaluate(params: Params, run: &Run) -> Result<(), Failure> {
    with_model(params, run, |batch| Ok(model::infer(MODEL, std::slice::from_ref(batch))?.outputs))
}

/// The job, with the model behind a function, for there is none natively.
fn with_model(
    params: Params,
    run: &Run,
    infer: impl Fn(&Tensor) -> Result<Vec<Tensor>, Failure>,
) -> Result<(), Failure> {
    let summary = Summary::read(&fs::read(run.input("model")?)?).or_invalid("bad-model")?;
    let table = Table::from_csv(&fs::read(run.input("data")?)?).or_invalid("bad-table")?;
    let transform = match Transform::from_notes(&summary.notes) {
        Some(transform) => transform,
        None => Transform::guess(&table, &params.label).or_invalid("bad-label")?,
    };
    let input = input_of(&summary, transform.features.len())?;
    let examples = transform.examples(&table).or_invalid("bad-table")?;
    let answers = score_all(run, &examples, input, params.batch.max(1), &transform, infer)?;
    match (&examples.target, answers) {
        (Target::Classes(truth), Answer::Classes { found, probabilities }) => {
            let report = Classification::of(&transform, truth, &found, probabilities.as_deref());
            record(run, &report.metrics())?;
            run.result("confusion", &json!({ "classes": report.classes, "counts": report.confusion }))?;
            write(run, &report, page::classification(&params.title, &transform, &report), &params.title, transform.task)
        }
        (Target::Values(truth), Answer::Values(found)) => {
            let report = Regression::of(truth, &found);
            record(run, &report.metrics())?;
            write(run, &report, page::regression(&params.title, &transform, &report), &params.title, transform.task)
        }
        _ => Err(Failure::invalid("other-task", "the model answers in another kind than the label asks for")),
    }
}

/// The one input, which must take as many features as there are.
fn input_of(summary: &Summary, features: usize) -> Result<&str, Failure> {
    let [Port { name, shape, .. }] = summary.inputs.as_slice() else {
        let found = summary.inputs.len();
        return Err(Failure::invalid("bad-model", format!("the model has {found} inputs, where one tensor is needed")));
    };
    match shape.as_slice() {
        [_, Some(wanted)] if *wanted != features as u64 => {
            let message = format!("the model takes {wanted} features, the data has {features} columns of numbers");
            Err(Failure::invalid("bad-table", message))
        }
        _ => Ok(name),
    }
}

fn score_all(
    run: &Run,
    examples: &Examples,
    input: &str,
    batch: usize,
    transform: &Transform,
    infer: impl Fn(&Tensor) -> Result<Vec<Tensor>, Failure>,
) -> Result<Answer, Failure> {
    let mut all = Answer::none(transform.task);
    for (at, rows) in examples.features.chunks(batch.saturating_mul(examples.width)).enumerate() {
        let shape = [(rows.len() / examples.width) as u64, examples.width as u64];
        let outputs = infer(&Tensor::f32(input, shape, rows))?;
        all.append(Answer::read(&outputs, transform, shape[0] as usize)?)?;
        run.progress(0.9 * (at as f64 + 1.0) * batch as f64 / (examples.rows() as f64 + batch as f64), "scoring");
    }
    Ok(all)
}

fn record(run: &Run, metrics: &[(&str, f64)]) -> Result<(), Failure> {
    metrics.iter().for_each(|(name, value)| run.metric(name, *value));
    Ok(())
}

fn write(run: &Run, report: &impl serde::Serialize, page: String, title: &str, task: Task) -> Result<(), Failure> {
    fs::write(run.output("report"), serde_json::to_vec_pretty(report)?)?;
    fs::write(run.output("page"), page)?;
    run.describe("report", "report", &json!({ "title": title, "task": task }))?;
    run.describe("page", "report", &json!({ "title": title, "task": task }))
}

#[cfg(test)]
mod tests;
