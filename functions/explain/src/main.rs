//! Says which features a model depends on: how much worse it gets when the values of one are dealt out anew.

mod page;
mod permute;

use std::fs;

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, OrFail, Run, model::Tensor};
use weft_learn::Metric;
use weft_scoring::Scored;
use weft_tables::Table;

use crate::permute::{Importance, Judge};

/// The input that is the model, as `weft::model` names it.
const MODEL: &str = "in/model";

/// How to explain.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// How often each feature is dealt out anew.
    repeats: usize,
    /// What gets worse; accuracy or R², when `auto`.
    metric: String,
    /// How many rows are taken, drawn by the seed; all, when 0.
    rows: usize,
    /// How many rows are scored at once.
    batch: usize,
    /// The seed of what is dealt; the run's, where none is given.
    seed: Option<u64>,
    /// The column to predict, for a model that does not say; the last, when empty.
    label: String,
    /// The title of the page.
    title: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            repeats: 5,
            metric: "auto".to_owned(),
            rows: 0,
            batch: 1000,
            seed: None,
            label: String::new(),
            title: "What the model depends on".to_owned(),
        }
    }
}

#[weft::job]
fn explain(params: Params, run: &Run) -> Result<(), Failure> {
    with_model(&params, run, weft_scoring::host(MODEL))
}

/// The job, with the model behind a function, for there is none natively.
fn with_model(
    params: &Params,
    run: &Run,
    infer: impl Fn(&Tensor) -> Result<Vec<Tensor>, Failure>,
) -> Result<(), Failure> {
    let table = Table::from_csv(&fs::read(run.input("data")?)?).or_invalid("bad-table")?;
    let model = Scored::read(&fs::read(run.input("model")?)?, &table, &params.label)?;
    let all = model.transform.examples(&table).or_invalid("bad-table")?;
    let metric = Metric::asked(&params.metric, model.transform.task, "the model gives")?;
    let seed = params.seed.unwrap_or_else(|| run.seed());
    let examples = permute::drawn(&all, params.rows, seed);
    let judge = Judge { model: &model, metric, batch: params.batch, infer };
    let base = judge.score(&examples, &examples.features)?;
    let mut found = Vec::new();
    let features = &model.transform.features;
    for (at, feature) in features.iter().enumerate() {
        found.push(judge.importance(&feature.name, at, base, &examples, params.repeats.max(1), seed)?);
        run.progress(0.95 * (at + 1) as f64 / features.len() as f64, &feature.name);
    }
    found.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    write(run, params, metric, base, examples.rows(), &found)
}

fn write(
    run: &Run,
    params: &Params,
    metric: Metric,
    base: f64,
    rows: usize,
    found: &[Importance],
) -> Result<(), Failure> {
    fs::write(run.output("importances"), serde_json::to_vec_pretty(found)?)?;
    fs::write(run.output("page"), page::render(&params.title, metric, base, rows, found))?;
    let columns = json!({ "columns": ["feature", "mean", "std"], "rows": found.len(), "metric": metric.name() });
    run.describe("importances", "table", &columns)?;
    run.describe("page", "report", &json!({ "title": params.title }))?;
    run.metric(metric.name(), base);
    run.metric("rows", rows as f64);
    run.result("importances", found)
}

#[cfg(test)]
mod tests;
