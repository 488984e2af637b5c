//! Trains a random forest and exports it as ONNX.

mod export;
mod forest;
mod grow;

use std::fs;

use serde::Deserialize;
use serde_json::{Value, json};
use smartcore::metrics;
use weft::{Failure, OrFail, Run};
use weft_tables::{Examples, Table, Target, Transform};

use crate::{
    forest::Forest,
    grow::{Criterion, Settings},
};

/// How to train.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// How many trees.
    trees: usize,
    /// How many questions a tree may ask of a row; as many as it likes, when 0.
    max_depth: u16,
    /// How many rows a leaf must hold.
    min_samples_leaf: usize,
    /// How many rows a node must hold to be split.
    min_samples_split: usize,
    /// How many features are tried at a split; the root of their number, when 0.
    features_per_split: usize,
    criterion: Criterion,
    /// The share of rows held back to measure by; none, when 0.
    validation: f64,
    /// The seed of that share: a fixed one, so that the trials of a sweep are measured by the same rows.
    validation_seed: u64,
    /// Whether the exported forest learns from the rows held back too.
    refit: bool,
    /// The seed of the forest; the run's, where none is given.
    seed: Option<u64>,
    /// The column to predict, where there is no input `transform`; the last, when empty.
    label: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            trees: 100,
            max_depth: 0,
            min_samples_leaf: 1,
            min_samples_split: 2,
            features_per_split: 0,
            criterion: Criterion::Gini,
            validation: 0.2,
            validation_seed: 0,
            refit: true,
            seed: None,
            label: String::new(),
        }
    }
}

#[weft::job]
fn train(params: Params, run: &Run) -> Result<(), Failure> {
    let table = Table::from_csv(&fs::read(run.input("train")?)?).or_invalid("bad-table")?;
    let transform = transform(run, &table, &params.label)?;
    // Trees ask whether a value is above a threshold, so scaling changes nothing for them: they grow on filled rows.
    let examples = transform.examples(&table).or_invalid("bad-table")?.map(|row| transform.fill(row));
    check(&params, &examples)?;
    let settings = settings(&params, &transform, params.seed.unwrap_or_else(|| run.seed()));
    let split = weft_tables::split(&examples.strata(), params.validation, params.validation_seed);
    let forest = if split.held.is_empty() {
        grow(run, &examples, &settings, (0.0, 0.95))?
    } else {
        let rehearsal = rehearse(run, &examples.pick(&split.kept), &examples.pick(&split.held), &settings)?;
        if params.refit { grow(run, &examples, &settings, (0.5, 0.95))? } else { rehearsal }
    };
    run.metric("out_of_bag", forest.out_of_bag);
    write(run, &transform, &forest, &params)
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
    if params.trees == 0 || params.min_samples_leaf == 0 {
        return Err(Failure::invalid("bad-params", "trees and min_samples_leaf must be at least 1"));
    }
    match examples.gap() {
        Some(row) => Err(Failure::invalid("gap", format!("row {row} has a gap; let prepare fill or drop it"))),
        None => Ok(()),
    }
}

fn settings(params: &Params, transform: &Transform, seed: u64) -> Settings {
    Settings {
        trees: params.trees,
        max_depth: (params.max_depth > 0).then_some(params.max_depth),
        min_samples_leaf: params.min_samples_leaf,
        min_samples_split: params.min_samples_split,
        features_per_split: (params.features_per_split > 0).then_some(params.features_per_split),
        criterion: params.criterion,
        classes: transform.classes.len(),
        seed,
    }
}

/// Grows a forest on some of the rows and measures it by the others, tree by tree.
fn rehearse(run: &Run, train: &Examples, held: &Examples, settings: &Settings) -> Result<Forest, Failure> {
    let forest = grow(run, train, settings, (0.0, 0.5))?;
    for (trees, score) in forest.curve(held) {
        run.metric_at("validation_score", score, i64::try_from(trees).unwrap_or(i64::MAX));
    }
    match (&held.target, forest.predict(held)) {
        (Target::Classes(truth), Target::Classes(found)) => {
            let as_labels = |all: &[usize]| all.iter().map(|&it| it as u32).collect::<Vec<_>>();
            run.metric("accuracy", metrics::accuracy(&as_labels(truth), &as_labels(&found)));
        }
        (Target::Values(truth), Target::Values(found)) => {
            run.metric("r2", metrics::r2(truth, &found));
            run.metric("rmse", metrics::mean_squared_error(truth, &found).sqrt());
            run.metric("mae", metrics::mean_absolute_error(truth, &found));
        }
        _ => return Err(Failure::fatal("mixed-targets", "the forest answers in another kind than it was asked")),
    }
    Ok(forest)
}

fn grow(run: &Run, examples: &Examples, settings: &Settings, share: (f64, f64)) -> Result<Forest, Failure> {
    let progress = |done: usize| {
        let fraction = share.0 + (share.1 - share.0) * done as f64 / settings.trees as f64;
        run.progress(fraction, &format!("{done} of {} trees", settings.trees));
    };
    grow::grow(examples, settings, progress).or_invalid("cannot-train")
}

fn write(run: &Run, transform: &Transform, forest: &Forest, params: &Params) -> Result<(), Failure> {
    let bytes = export::onnx(transform, &forest.trees).or_fatal("bad-model")?;
    fs::write(run.output("model"), &bytes)?;
    let importances = forest.ranked(transform);
    let table: Vec<Value> =
        importances.iter().map(|(feature, share)| json!({ "feature": feature, "importance": share })).collect();
    fs::write(run.output("importances"), serde_json::to_vec_pretty(&table)?)?;
    let model = weft_onnx::Summary::read(&bytes).or_fatal("bad-model")?;
    run.describe("importances", "table", &json!({ "columns": ["feature", "importance"], "rows": table.len() }))?;
    run.describe(
        "model",
        "model",
        &json!({
            "format": "onnx",
            "algorithm": "random forest",
            "task": transform.task,
            "label": transform.label,
            "features": transform.features.iter().map(|it| &it.name).collect::<Vec<_>>(),
            "classes": transform.classes,
            "signature": { "inputs": model.inputs, "outputs": model.outputs },
            "params": { "trees": params.trees, "max_depth": params.max_depth, "min_samples_leaf": params.min_samples_leaf },
            "nodes": forest.trees.iter().map(|it| it.nodes.len()).sum::<usize>(),
        }),
    )?;
    run.metric("model_bytes", bytes.len() as f64);
    run.result("importances", &table)
}

#[cfg(test)]
mod tests;
