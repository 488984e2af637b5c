//! Trains a random forest and exports it as ONNX.

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, OrFail, Run};
use weft_learn::{
    Algorithm,
    forest::{self, Criterion, Forest, Settings},
    training::{self, Holdout, Material},
};
use weft_tables::{Examples, Transform};

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
    /// The seed of the forest; the run's, where none is given.
    seed: Option<u64>,
    /// The column to predict, where there is no input `transform`; the last, when empty.
    label: String,
    #[serde(flatten)]
    holdout: Holdout,
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
            seed: None,
            label: String::new(),
            holdout: Holdout::default(),
        }
    }
}

#[weft::job]
fn train(params: Params, run: &Run) -> Result<(), Failure> {
    if params.trees == 0 || params.min_samples_leaf == 0 {
        return Err(Failure::invalid("bad-params", "trees and min_samples_leaf must be at least 1"));
    }
    let material = Material::read(run, &params.label)?;
    let examples = material.filled()?;
    let settings = settings(&params, &material.transform, params.seed.unwrap_or_else(|| run.seed()));
    let forest = params.holdout.learn(
        &examples,
        |train, held| rehearse(run, train, held, &settings),
        |all| grow(run, all, &settings, (0.5, 0.95)),
    )?;
    run.metric("out_of_bag", forest.out_of_bag);
    let algorithm = Algorithm::Forest(settings);
    let title = algorithm.title(material.transform.task);
    training::write(run, &material.transform, &forest, &examples, title, algorithm.params(), json!({}))
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
    training::record(run, &forest, held);
    Ok(forest)
}

fn grow(run: &Run, examples: &Examples, settings: &Settings, share: (f64, f64)) -> Result<Forest, Failure> {
    let progress = |done: usize| {
        let fraction = share.0 + (share.1 - share.0) * done as f64 / settings.trees as f64;
        run.progress(fraction, &format!("{done} of {} trees", settings.trees));
    };
    forest::fit(examples, settings, progress).or_invalid("cannot-train")
}

#[cfg(test)]
mod tests;
