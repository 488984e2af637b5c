//! The job around a learner: rows in, some held back to measure by, a model with what it says of itself out.

use std::fs;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use weft::{Failure, OrFail, Run};
use weft_tables::{Examples, Table, Transform};

use crate::{
    Measures,
    model::{Model, ranked},
};

/// Which rows measure a model, and whether it learns from them afterwards: params that every training job has.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default)]
pub struct Holdout {
    /// The share of rows held back to measure by; none, when 0.
    pub validation: f64,
    /// The seed of that share: a fixed one, so that the trials of a sweep are measured by the same rows.
    pub validation_seed: u64,
    /// Whether the exported model learns from the rows held back too.
    pub refit: bool,
}

impl Default for Holdout {
    fn default() -> Self {
        Self { validation: 0.2, validation_seed: 0, refit: true }
    }
}

/// What there is to learn from.
#[derive(Debug, Clone)]
pub struct Material {
    /// How raw features are treated.
    pub transform: Transform,
    /// The rows, raw.
    pub examples: Examples,
}

impl Material {
    /// The inputs `train` and, where it is there, `transform`. `label` is the column to predict where there is none.
    ///
    /// # Errors
    /// As `bad-table`, `bad-label` or `bad-transform`.
    pub fn read(run: &Run, label: &str) -> Result<Self, Failure> {
        let table = Table::from_csv(&fs::read(run.input("train")?)?).or_invalid("bad-table")?;
        let transform = transform(run, &table, label)?;
        let examples = transform.examples(&table).or_invalid("bad-table")?;
        Ok(Self { transform, examples })
    }

    /// The rows with their gaps filled: all that trees need, which ask whether a value is above a threshold.
    ///
    /// # Errors
    /// As `gap`, where one is left.
    pub fn filled(&self) -> Result<Examples, Failure> {
        no_gap(self.examples.map(|row| self.transform.fill(row)))
    }

    /// The rows filled and brought to one scale.
    ///
    /// # Errors
    /// As `gap`, where one is left.
    pub fn scaled(&self) -> Result<Examples, Failure> {
        no_gap(self.examples.map(|row| self.transform.apply(row)))
    }
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

fn no_gap(examples: Examples) -> Result<Examples, Failure> {
    match examples.gap() {
        Some(row) => Err(Failure::invalid("gap", format!("row {row} has a gap; let prepare fill or drop it"))),
        None => Ok(examples),
    }
}

impl Holdout {
    /// Fits by `rehearse` on some of the rows (its first argument, the others are its second), then by `fit` on all of
    /// them; only one of both where no row is held back, or where the first model is to be kept.
    ///
    /// # Errors
    /// As `bad-params`, or those of `rehearse` and `fit`.
    pub fn learn<M>(
        &self,
        examples: &Examples,
        rehearse: impl FnOnce(&Examples, &Examples) -> Result<M, Failure>,
        fit: impl FnOnce(&Examples) -> Result<M, Failure>,
    ) -> Result<M, Failure> {
        if !(0.0..1.0).contains(&self.validation) {
            let message = format!("validation must be from 0 to 1, not {}", self.validation);
            return Err(Failure::invalid("bad-params", message));
        }
        let split = weft_tables::split(&examples.strata(), self.validation, self.validation_seed);
        if split.held.is_empty() {
            return fit(examples);
        }
        let rehearsal = rehearse(&examples.pick(&split.kept), &examples.pick(&split.held))?;
        if self.refit { fit(examples) } else { Ok(rehearsal) }
    }
}

/// Puts on record how good `model` is on rows held back.
pub fn record(run: &Run, model: &dyn Model, held: &Examples) {
    for (name, value) in Measures::of(model, held).all() {
        run.metric(name, value);
    }
}

/// Writes the outputs `model` and `importances`. `params` and `more` go into what the model says of itself.
///
/// # Errors
/// As `bad-model`, or where a file cannot be written.
pub fn write(
    run: &Run,
    transform: &Transform,
    model: &dyn Model,
    seen: &Examples,
    algorithm: &str,
    params: Value,
    more: Value,
) -> Result<(), Failure> {
    let bytes = model.onnx(transform).or_fatal("bad-model")?;
    fs::write(run.output("model"), &bytes)?;
    let importances = ranked(transform, &model.importances(seen));
    let table: Vec<Value> =
        importances.iter().map(|(feature, share)| json!({ "feature": feature, "importance": share })).collect();
    fs::write(run.output("importances"), serde_json::to_vec_pretty(&table)?)?;
    run.describe("importances", "table", &json!({ "columns": ["feature", "importance"], "rows": table.len() }))?;
    let mut says = says(&bytes, transform, algorithm, params)?;
    says.extend(model.nodes().map(|nodes| ("nodes".to_owned(), json!(nodes))));
    says.extend(more.as_object().cloned().unwrap_or_default());
    run.describe("model", "model", &says)?;
    run.metric("model_bytes", bytes.len() as f64);
    run.result("importances", &table)
}

fn says(bytes: &[u8], transform: &Transform, algorithm: &str, params: Value) -> Result<Map<String, Value>, Failure> {
    let model = weft_onnx::Summary::read(bytes).or_fatal("bad-model")?;
    let says = json!({
        "format": "onnx",
        "algorithm": algorithm,
        "task": transform.task,
        "label": transform.label,
        "features": transform.features.iter().map(|it| &it.name).collect::<Vec<_>>(),
        "classes": transform.classes,
        "signature": { "inputs": model.inputs, "outputs": model.outputs },
        "params": params,
    });
    Ok(says.as_object().cloned().unwrap_or_default())
}
