//! Trains a logistic or a ridge regression and exports it as ONNX.

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, OrFail, Run};
use weft_learn::{
    Algorithm,
    linear::{self, Settings, Weights},
    training::{self, Holdout, Material},
};
use weft_tables::Examples;

/// How to train.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// How much large weights cost.
    l2: f64,
    /// After how many steps the search for the weights of classes ends at the latest.
    max_iterations: u64,
    /// The column to predict, where there is no input `transform`; the last, when empty.
    label: String,
    #[serde(flatten)]
    holdout: Holdout,
}

impl Default for Params {
    fn default() -> Self {
        Self { l2: 1.0, max_iterations: 100, label: String::new(), holdout: Holdout::default() }
    }
}

#[weft::job]
fn train(params: Params, run: &Run) -> Result<(), Failure> {
    if !(params.l2 >= 0.0 && params.l2.is_finite()) {
        return Err(Failure::invalid("bad-params", format!("l2 must not be negative, as {} is", params.l2)));
    }
    let material = Material::read(run, &params.label)?;
    let classes = material.transform.classes.len();
    let settings = Settings { l2: params.l2, max_iterations: params.max_iterations, classes };
    let examples = material.scaled()?;
    let fit = |examples: &Examples| linear::fit(examples, &settings, |_, _| ()).or_invalid("cannot-train");
    let weights = params.holdout.learn(&examples, |train, held| rehearse(run, &settings, train, held), fit)?;
    run.progress(0.9, "fitted");
    let title = Algorithm::Linear(settings).title(material.transform.task);
    training::write(run, &material.transform, &weights, &examples, title, json!({ "l2": params.l2 }), json!({}))
}

/// Fits on some of the rows and measures by the others.
fn rehearse(run: &Run, settings: &Settings, train: &Examples, held: &Examples) -> Result<Weights, Failure> {
    let weights = linear::fit(train, settings, |steps, weights| {
        let step = i64::try_from(steps).unwrap_or(i64::MAX);
        run.metric_at("loss", weights.log_loss(train), step);
        run.metric_at("validation_loss", weights.log_loss(held), step);
    })
    .or_invalid("cannot-train")?;
    training::record(run, &weights, held);
    run.progress(0.5, "measured");
    Ok(weights)
}

#[cfg(test)]
mod tests;
