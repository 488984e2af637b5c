//! Tries several algorithms on one table, compares them by the same folds, and exports the best.

mod candidates;
mod folds;
mod page;
mod table;

use std::fs;

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, OrFail, Run};
use weft_learn::{
    Metric,
    training::{self, Material},
};

use crate::{
    candidates::{Candidate, Family, Sizes},
    table::{Entry, Leaderboard},
};

/// What to try.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// The families of algorithms.
    algorithms: Vec<Family>,
    /// What the best is best by; accuracy or R², when `auto`.
    metric: String,
    /// How many parts the rows are divided into, each of which measures what was learned from the others.
    folds: usize,
    /// How many trees a forest has.
    trees: usize,
    /// How many stages are boosted.
    stages: usize,
    /// The seed of folds and algorithms; the run's, where none is given.
    seed: Option<u64>,
    /// The column to predict, where there is no input `transform`; the last, when empty.
    label: String,
    /// The title of the page.
    title: String,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            algorithms: vec![Family::Linear, Family::Forest, Family::Boosted],
            metric: "auto".to_owned(),
            folds: 5,
            trees: 100,
            stages: 100,
            seed: None,
            label: String::new(),
            title: "Comparison of algorithms".to_owned(),
        }
    }
}

#[weft::job]
fn train(params: Params, run: &Run) -> Result<(), Failure> {
    let mut material = Material::read(run, &params.label)?;
    let metric = Metric::asked(&params.metric, material.transform.task, "the label holds")?;
    if !run.has_input("transform") {
        candidates::to_one_scale(&mut material);
    }
    let seed = params.seed.unwrap_or_else(|| run.seed());
    let sizes = Sizes { trees: params.trees, stages: params.stages, classes: material.transform.classes.len(), seed };
    let candidates = candidates::of(&params.algorithms, sizes);
    if candidates.is_empty() {
        return Err(Failure::invalid("bad-params", "algorithms must name at least one"));
    }
    let folds = folds::of(&material.examples.strata(), params.folds, seed).or_invalid("bad-params")?;
    let leaderboard = compare(run, &candidates, &material, &folds, metric)?;
    let best = leaderboard.best().ok_or_else(|| leaderboard.why_none())?;
    export(run, &material, &candidates[best.candidate], best)?;
    tell(run, &params.title, &leaderboard, best)
}

/// Every candidate on every fold.
fn compare(
    run: &Run,
    candidates: &[Candidate],
    material: &Material,
    folds: &[Vec<usize>],
    metric: Metric,
) -> Result<Leaderboard, Failure> {
    let mut entries = Vec::new();
    for (at, candidate) in candidates.iter().enumerate() {
        let rows = candidate.algorithm.view(material)?;
        entries.push(Entry::measured(at, candidate, &rows, folds, material.transform.task));
        run.progress(0.9 * (at + 1) as f64 / candidates.len() as f64, &candidate.name);
    }
    Ok(Leaderboard::new(entries, metric))
}

/// The best learns once more, from all rows.
fn export(run: &Run, material: &Material, candidate: &Candidate, best: &Entry) -> Result<(), Failure> {
    let rows = candidate.algorithm.view(material)?;
    let model = candidate.algorithm.fit(&rows).or_invalid("cannot-train")?;
    let title = candidate.algorithm.title(material.transform.task);
    let params = candidate.algorithm.params();
    let more = json!({ "candidate": candidate.name, "cross_validation": best.means });
    training::write(run, &material.transform, model.as_ref(), &rows, title, params, more)
}

fn tell(run: &Run, title: &str, leaderboard: &Leaderboard, best: &Entry) -> Result<(), Failure> {
    for (name, value) in best.measures() {
        run.metric(name, value);
    }
    run.metric("candidates", leaderboard.entries.len() as f64);
    fs::write(run.output("leaderboard"), serde_json::to_vec_pretty(leaderboard)?)?;
    fs::write(run.output("page"), page::render(title, leaderboard, best))?;
    let columns =
        json!({ "columns": ["name", "params", "score", "std", "failure"], "rows": leaderboard.entries.len() });
    run.describe("leaderboard", "table", &columns)?;
    run.describe("page", "report", &json!({ "title": title }))?;
    run.result("best", &json!({ "name": best.name, "params": best.params, "score": best.score(leaderboard.metric) }))?;
    run.result("leaderboard", leaderboard)
}

#[cfg(test)]
mod tests;
