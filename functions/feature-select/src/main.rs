//! Scores features and keeps the best: by variance, by correlation with each other, and by tests of dependence.

mod choose;
mod information;
mod score;
mod tests_of_dependence;

use std::{fs, io::BufWriter};

use serde::Deserialize;
use weft::{Failure, OrFail, Run};
use weft_tables::{Column, Table};

use crate::{
    choose::{By, Choice, Rules},
    score::{Label, Scores, TaskChoice},
};

/// Which features stay.
#[derive(Deserialize)]
struct Params {
    /// The column to predict; the last, when empty.
    #[serde(default)]
    label: String,
    /// What is to be predicted.
    #[serde(default)]
    task: TaskChoice,
    /// The features to choose from; every other column of numbers, when empty.
    #[serde(default)]
    features: Vec<String>,
    /// Features whose variance is not above this go.
    #[serde(default)]
    variance: f64,
    /// Of two features that are correlated more than this, the one with the lower score goes; 1 keeps all.
    #[serde(default = "one")]
    correlation: f64,
    /// What the best are chosen by.
    #[serde(default)]
    by: By,
    /// How many stay; all, when 0.
    #[serde(default)]
    top: usize,
    /// How many bins numbers are cut into for mutual information.
    #[serde(default = "bins")]
    bins: usize,
}

fn one() -> f64 {
    1.0
}

fn bins() -> usize {
    10
}

#[weft::job]
fn feature_select(params: Params, run: &Run) -> Result<(), Failure> {
    let table = Table::from_csv(&fs::read(run.input("data")?)?).or_invalid("bad-table")?;
    let label = Label::of(table.label(&params.label).or_invalid("bad-label")?, params.task).or_invalid("bad-label")?;
    let features = features(&params, &table, &label.name)?;
    let scores: Vec<Scores> = features.iter().map(|it| Scores::of(it, &label, params.bins.clamp(2, 1000))).collect();
    let rules = Rules {
        variance: params.variance,
        correlation: params.correlation,
        by: params.by.resolved(&label),
        top: if params.top == 0 { usize::MAX } else { params.top },
    };
    let choice = Choice::of(&features, &scores, rules);
    if choice.selected.is_empty() {
        return Err(Failure::invalid("nothing-left", "no feature is left: lower `variance`, or look at the scores"));
    }
    write(run, &table, &label, &choice, &scores)
}

fn features<'a>(params: &Params, table: &'a Table, label: &str) -> Result<Vec<&'a Column>, Failure> {
    if params.features.iter().any(|it| it == label) {
        return Err(Failure::invalid("bad-features", format!("the label `{label}` cannot be a feature too")));
    }
    let is_feature = |it: &&Column| it.name != label && it.as_numbers().is_some();
    let features: Vec<&Column> = match params.features.is_empty() {
        true => table.columns().iter().filter(is_feature).collect(),
        false => {
            params.features.iter().map(|it| table.column(it)).collect::<Result<_, _>>().or_invalid("bad-features")?
        }
    };
    if let Some(text) = features.iter().find(|it| it.as_numbers().is_none()) {
        return Err(Failure::invalid("bad-features", weft_tables::Error::Text(text.name.clone())));
    }
    if features.is_empty() {
        return Err(Failure::invalid("bad-features", weft_tables::Error::NoFeatures(label.to_owned())));
    }
    Ok(features)
}

fn write(run: &Run, table: &Table, label: &Label, choice: &Choice<'_>, scores: &[Scores]) -> Result<(), Failure> {
    let mut columns: Vec<Column> = choice.selected.iter().map(|it| (*it).clone()).collect();
    columns.push(table.column(&label.name).or_invalid("bad-label")?.clone());
    let data = Table::new(columns).or_invalid("bad-features")?;
    data.to_csv(BufWriter::new(fs::File::create(run.output("data"))?))?;
    run.describe("data", "dataset", &data.schema())?;
    let told = choice.table(scores).or_invalid("bad-features")?;
    told.to_csv(BufWriter::new(fs::File::create(run.output("scores"))?))?;
    run.describe("scores", "table", &told.schema())?;
    run.metric("features", scores.len() as f64);
    run.metric("selected", choice.selected.len() as f64);
    run.result("selected_features", &choice.selected.iter().map(|it| &it.name).collect::<Vec<_>>())?;
    Ok(())
}

#[cfg(test)]
mod tests;
