//! Scores an exported model on rows it has not seen, as data and as a page.

mod classes;
mod groups;
mod page;
mod roc;
mod values;

use std::fs;

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, OrFail, Run, model::Tensor};
use weft_scoring::{Answer, Scored};
use weft_tables::{Table, Target, Task};

use crate::{classes::Classification, groups::Fairness, values::Regression};

/// The input that is the model, as `weft::model` names it.
const MODEL: &str = "in/model";

/// What to evaluate.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// The column to predict, for a model that does not say; the last, when empty.
    label: String,
    /// The columns whose groups should be treated alike.
    group_by: Vec<String>,
    /// The class that is good for whoever gets it; the last, when empty.
    positive: String,
    /// How many rows are scored at once.
    batch: usize,
    /// The title of the page.
    title: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            label: String::new(),
            group_by: Vec::new(),
            positive: String::new(),
            batch: 500,
            title: "Evaluation".to_owned(),
        }
    }
}

#[weft::job]
fn evaluate(params: Params, run: &Run) -> Result<(), Failure> {
    with_model(params, run, weft_scoring::host(MODEL))
}

/// The job, with the model behind a function, for there is none natively.
fn with_model(
    params: Params,
    run: &Run,
    infer: impl Fn(&Tensor) -> Result<Vec<Tensor>, Failure>,
) -> Result<(), Failure> {
    let table = Table::from_csv(&fs::read(run.input("data")?)?).or_invalid("bad-table")?;
    let model = Scored::read(&fs::read(run.input("model")?)?, &table, &params.label)?;
    let transform = &model.transform;
    let examples = transform.examples(&table).or_invalid("bad-table")?;
    let progress = |done| run.progress(0.9 * done as f64 / examples.rows() as f64, "scoring");
    let answers = model.answer(&examples.features, params.batch, infer, progress)?;
    match (&examples.target, answers) {
        (Target::Classes(truth), Answer::Classes { found, probabilities }) => {
            let mut report = Classification::of(transform, truth, &found, probabilities.as_deref());
            report.groups = groups(&params, &table, &report.classes, truth, &found)?;
            record(run, &report.metrics());
            run.result("confusion", &json!({ "classes": report.classes, "counts": report.confusion }))?;
            write(run, &report, page::classification(&params.title, transform, &report), &params.title, transform.task)
        }
        (Target::Values(truth), Answer::Values(found)) => {
            if !params.group_by.is_empty() {
                return Err(Failure::invalid(
                    "bad-params",
                    "group_by compares how often groups get a class; this is a value",
                ));
            }
            let report = Regression::of(truth, &found);
            record(run, &report.metrics());
            write(run, &report, page::regression(&params.title, transform, &report), &params.title, transform.task)
        }
        _ => Err(Failure::invalid("other-task", "the model answers in another kind than the label asks for")),
    }
}

/// How alike the groups of each column are treated.
fn groups(
    params: &Params,
    table: &Table,
    classes: &[String],
    truth: &[usize],
    found: &[usize],
) -> Result<Vec<Fairness>, Failure> {
    let last = classes.last().map(String::as_str).unwrap_or_default();
    let positive = if params.positive.is_empty() { last } else { &params.positive };
    let Some(positive) = classes.iter().position(|it| it == positive) else {
        let message = format!("positive is `{positive}`; the classes are {}", classes.join(", "));
        return Err(Failure::invalid("bad-params", message));
    };
    let of = |name: &String| {
        let column = table.column(name).or_invalid("bad-group")?;
        Fairness::of(column, &classes[positive], positive, truth, found).or_invalid("bad-group")
    };
    params.group_by.iter().map(of).collect()
}

fn record(run: &Run, metrics: &[(&str, f64)]) {
    metrics.iter().for_each(|(name, value)| run.metric(name, *value));
}

fn write(run: &Run, report: &impl serde::Serialize, page: String, title: &str, task: Task) -> Result<(), Failure> {
    fs::write(run.output("report"), serde_json::to_vec_pretty(report)?)?;
    fs::write(run.output("page"), page)?;
    run.describe("report", "report", &json!({ "title": title, "task": task }))?;
    run.describe("page", "report", &json!({ "title": title, "task": task }))
}

#[cfg(test)]
mod tests;
