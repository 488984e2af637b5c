//! Trains a logistic or a ridge regression and exports it as ONNX.

mod export;
mod logistic;
mod ridge;
mod weights;

use std::fs;

use serde::Deserialize;
use serde_json::{Value, json};
use smartcore::metrics;
use weft::{Failure, OrFail, Run};
use weft_tables::{Examples, Table, Target, Task, Transform};

use crate::weights::Weights;

/// How to train.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// How much large weights cost.
    l2: f64,
    /// After how many steps the search for the weights of classes ends at the latest.
    max_iterations: u64,
    /// The share of rows held back to measure by; none, when 0.
    validation: f64,
    /// The seed of that share: a fixed one, so that the trials of a sweep are measured by the same rows.
    validation_seed: u64,
    /// Whether the exported model learns from the rows held back too.
    refit: bool,
    /// The column to predict, where there is no input `transform`; the last, when empty.
    label: String,
}

impl Default for Params {
    fn default() -> Self {
        Self { l2: 1.0, max_iterations: 100, validation: 0.2, validation_seed: 0, refit: true, label: String::new() }
    }
}

#[weft::job]
fn train(params: Params, run: &Run) -> Result<(), Failure> {
    let table = Table::from_csv(&fs::read(run.input("train")?)?).or_invalid("bad-table")?;
    let transform = transform(run, &table, &params.label)?;
    let examples = transform.examples(&table).or_invalid("bad-table")?.map(|row| transform.apply(row));
    check(&params, &examples)?;
    let split = weft_tables::split(&examples.strata(), params.validation, params.validation_seed);
    let weights = if split.held.is_empty() {
        fit(&params, &transform, &examples, |_, _| ())?
    } else {
        let held = examples.pick(&split.held);
        let rehearsal = rehearse(run, &params, &transform, &examples.pick(&split.kept), &held)?;
        run.progress(0.5, "measured");
        if params.refit { fit(&params, &transform, &examples, |_, _| ())? } else { rehearsal }
    };
    run.progress(0.9, "fitted");
    write(run, &transform, &weights, &examples, &params)
}

/// The transform that came with the rows, with the classes that occur in them; or none.
fn transform(run: &Run, table: &Table, label: &str) -> Result<Transform, Failure> {
    if !run.has_input("transform") {
        return Transform::guess(table, label).or_invalid("bad-label");
    }
    let json = fs::read(run.input("transform")?)?;
    let transform: Transform = serde_json::from_slice(&json).or_invalid("bad-transform")?;
    transform.with_classes_of(table).or_invalid("bad-label")
}

fn check(params: &Params, examples: &Examples) -> Result<(), Failure> {
    if !(0.0..1.0).contains(&params.validation) {
        return Err(Failure::invalid(
            "bad-params",
            format!("validation must be from 0 to 1, not {}", params.validation),
        ));
    }
    if !(params.l2 >= 0.0 && params.l2.is_finite()) {
        return Err(Failure::invalid("bad-params", format!("l2 must not be negative, as {} is", params.l2)));
    }
    match examples.gap() {
        Some(row) => Err(Failure::invalid("gap", format!("row {row} has a gap; let prepare fill or drop it"))),
        None => Ok(()),
    }
}

/// Fits; `progress` sees the weights on the way, with the number of steps taken.
fn fit(
    params: &Params,
    transform: &Transform,
    examples: &Examples,
    progress: impl FnMut(u64, &Weights),
) -> Result<Weights, Failure> {
    match &examples.target {
        Target::Classes(classes) => {
            let settings = logistic::Settings { l2: params.l2, max_iterations: params.max_iterations };
            logistic::fit(examples, classes, transform.classes.len(), &settings, progress).or_invalid("cannot-train")
        }
        Target::Values(values) => ridge::fit(examples, values, params.l2).or_invalid("cannot-train"),
    }
}

/// Fits on some of the rows and measures by the others.
fn rehearse(
    run: &Run,
    params: &Params,
    transform: &Transform,
    train: &Examples,
    held: &Examples,
) -> Result<Weights, Failure> {
    let weights = fit(params, transform, train, |steps, weights| {
        let step = i64::try_from(steps).unwrap_or(i64::MAX);
        run.metric_at("loss", weights.log_loss(train), step);
        run.metric_at("validation_loss", weights.log_loss(held), step);
    })?;
    match &held.target {
        Target::Classes(truth) => {
            let as_labels = |all: &[usize]| all.iter().map(|&it| it as u32).collect::<Vec<_>>();
            let found: Vec<usize> = held.iter().map(|row| weights.class(row)).collect();
            run.metric("accuracy", metrics::accuracy(&as_labels(truth), &as_labels(&found)));
            run.metric("log_loss", weights.log_loss(held));
        }
        Target::Values(truth) => {
            let found: Vec<f64> =
                held.iter().map(|row| weights.sums(row).first().copied().unwrap_or(f64::NAN)).collect();
            run.metric("r2", metrics::r2(truth, &found));
            run.metric("rmse", metrics::mean_squared_error(truth, &found).sqrt());
            run.metric("mae", metrics::mean_absolute_error(truth, &found));
        }
    }
    Ok(weights)
}

fn write(run: &Run, transform: &Transform, weights: &Weights, seen: &Examples, params: &Params) -> Result<(), Failure> {
    let bytes = export::onnx(transform, weights).or_fatal("bad-model")?;
    fs::write(run.output("model"), &bytes)?;
    let importances = weights.ranked(transform, seen);
    let table: Vec<Value> =
        importances.iter().map(|(feature, share)| json!({ "feature": feature, "importance": share })).collect();
    fs::write(run.output("importances"), serde_json::to_vec_pretty(&table)?)?;
    let model = weft_onnx::Summary::read(&bytes).or_fatal("bad-model")?;
    let is_classifier = transform.task == Task::Classification;
    run.describe("importances", "table", &json!({ "columns": ["feature", "importance"], "rows": table.len() }))?;
    run.describe(
        "model",
        "model",
        &json!({
            "format": "onnx",
            "algorithm": if is_classifier { "logistic regression" } else { "ridge regression" },
            "task": transform.task,
            "label": transform.label,
            "features": transform.features.iter().map(|it| &it.name).collect::<Vec<_>>(),
            "classes": transform.classes,
            "signature": { "inputs": model.inputs, "outputs": model.outputs },
            "params": { "l2": params.l2 },
        }),
    )?;
    run.metric("model_bytes", bytes.len() as f64);
    run.result("importances", &table)
}

#[cfg(test)]
mod tests;
