//! Trains gradient boosted trees and exports them as ONNX.

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, OrFail, Run};
use weft_learn::{
    Algorithm,
    boosted::{self, Boosted, Settings},
    training::{self, Holdout, Material},
};
use weft_tables::{Examples, Transform};

/// How to train.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// How many stages.
    stages: usize,
    /// What share of its answer a tree adds.
    learning_rate: f64,
    /// How many questions a tree may ask of a row.
    max_depth: u16,
    /// How many rows a leaf must hold.
    min_samples_leaf: usize,
    /// How many rows a node must hold to be split.
    min_samples_split: usize,
    /// The share of rows that a stage learns from.
    subsample: f64,
    /// The seed of what is drawn; the run's, where none is given.
    seed: Option<u64>,
    /// The column to predict, where there is no input `transform`; the last, when empty.
    label: String,
    #[serde(flatten)]
    holdout: Holdout,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            stages: 100,
            learning_rate: 0.1,
            max_depth: 3,
            min_samples_leaf: 1,
            min_samples_split: 2,
            subsample: 1.0,
            seed: None,
            label: String::new(),
            holdout: Holdout::default(),
        }
    }
}

#[weft::job]
fn train(params: Params, run: &Run) -> Result<(), Failure> {
    check(&params)?;
    let material = Material::read(run, &params.label)?;
    let examples = material.filled()?;
    let settings = settings(&params, &material.transform, params.seed.unwrap_or_else(|| run.seed()));
    let boosted = params.holdout.learn(
        &examples,
        |train, held| rehearse(run, train, held, &settings),
        |all| boost(run, all, &settings, (0.5, 0.95)),
    )?;
    let algorithm = Algorithm::Boosted(settings);
    let title = algorithm.title(material.transform.task);
    training::write(run, &material.transform, &boosted, &examples, title, algorithm.params(), json!({}))
}

fn check(params: &Params) -> Result<(), Failure> {
    let wrong = |what: &str| Err(Failure::invalid("bad-params", what));
    match params {
        Params { stages: 0, .. } => wrong("stages must be at least 1"),
        Params { max_depth: 0, .. } => wrong("max_depth must be at least 1"),
        Params { min_samples_leaf: 0, .. } => wrong("min_samples_leaf must be at least 1"),
        it if !(it.learning_rate > 0.0 && it.learning_rate <= 1.0) => {
            wrong("learning_rate must be above 0 and at most 1")
        }
        it if !(it.subsample > 0.0 && it.subsample <= 1.0) => wrong("subsample must be above 0 and at most 1"),
        _ => Ok(()),
    }
}

fn settings(params: &Params, transform: &Transform, seed: u64) -> Settings {
    Settings {
        stages: params.stages,
        learning_rate: params.learning_rate,
        max_depth: params.max_depth,
        min_samples_leaf: params.min_samples_leaf,
        min_samples_split: params.min_samples_split,
        subsample: params.subsample,
        classes: transform.classes.len(),
        seed,
    }
}

/// Boosts on some of the rows and measures by the others, stage by stage.
fn rehearse(run: &Run, train: &Examples, held: &Examples, settings: &Settings) -> Result<Boosted, Failure> {
    let boosted = boost(run, train, settings, (0.0, 0.5))?;
    for (stages, score) in boosted.curve(held) {
        run.metric_at("validation_score", score, i64::try_from(stages).unwrap_or(i64::MAX));
    }
    training::record(run, &boosted, held);
    Ok(boosted)
}

fn boost(run: &Run, examples: &Examples, settings: &Settings, share: (f64, f64)) -> Result<Boosted, Failure> {
    let progress = |done: usize| {
        let fraction = share.0 + (share.1 - share.0) * done as f64 / settings.stages as f64;
        run.progress(fraction, &format!("{done} of {} stages", settings.stages));
    };
    boosted::fit(examples, settings, progress).or_invalid("cannot-train")
}

#[cfg(test)]
mod tests;
