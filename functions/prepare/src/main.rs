//! Cleans a dataset, splits it by a seed, and fits the transform that travels with the model.

mod clean;
mod fit;
mod label;

use std::{collections::BTreeMap, fs, io::BufWriter};

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, OrFail, Run};
use weft_tables::{Split, Table, Task, Transform};

use crate::{
    clean::{Cleaned, Duplicates, Missing},
    fit::Scale,
    label::{Labelling, TaskChoice},
};

/// How to prepare.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// The column to predict; the last, when empty.
    label: String,
    /// The columns to predict it from; every other column of numbers, when empty.
    features: Vec<String>,
    task: TaskChoice,
    /// Ascending cuts that turn a number into classes.
    bins: Vec<f64>,
    /// The names of these classes, one more than cuts.
    bin_names: Vec<String>,
    /// New names for labels; those not listed keep theirs.
    label_map: BTreeMap<String, String>,
    missing: Missing,
    duplicates: Duplicates,
    scale: Scale,
    /// The share of rows held back for the test.
    test: f64,
    /// Whether each class is held back in its proportion.
    stratify: bool,
    /// The seed of the split; the run's, where none is given.
    seed: Option<u64>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            label: String::new(),
            features: Vec::new(),
            task: TaskChoice::Auto,
            bins: Vec::new(),
            bin_names: Vec::new(),
            label_map: BTreeMap::new(),
            missing: Missing::Median,
            duplicates: Duplicates::Keep,
            scale: Scale::Standard,
            test: 0.2,
            stratify: true,
            seed: None,
        }
    }
}

#[weft::job]
fn prepare(params: Params, run: &Run) -> Result<(), Failure> {
    if !(params.test > 0.0 && params.test < 1.0) {
        return Err(Failure::invalid("bad-params", format!("test must be between 0 and 1, not {}", params.test)));
    }
    let table = Table::from_csv(&fs::read(run.input("data")?)?).or_invalid("bad-table")?;
    let labelling = Labelling { bins: &params.bins, bin_names: &params.bin_names, map: &params.label_map };
    let label = table.label(&params.label).or_invalid("bad-label")?.name.clone();
    let cleaned = clean::clean(&table, &label, &params.features, &labelling, params.missing, params.duplicates)
        .or_invalid("bad-table")?;
    run.progress(0.4, "cleaned");
    let task = params.task.of(cleaned.table.column(&label).or_invalid("bad-label")?);
    let mut shape = fit::shape(&cleaned.table, &label, task).or_invalid("bad-label")?;
    if !params.bins.is_empty() {
        shape.classes.sort_by_key(|it| labelling.place(it));
    }
    let split = split(&params, run, &shape, &cleaned.table)?;
    let (train, test) = (cleaned.table.pick(&split.kept), cleaned.table.pick(&split.held));
    let transform = fit::fit(shape, &train, params.missing, params.scale).or_invalid("bad-table")?;
    run.progress(0.8, "fitted");
    write_rows(run, "train", &train, &transform)?;
    write_rows(run, "test", &test, &transform)?;
    fs::write(run.output("transform"), serde_json::to_vec_pretty(&transform)?)?;
    run.describe("transform", "file", &json!({ "label": label, "task": task, "classes": transform.classes }))?;
    record(run, &cleaned, &test, &transform)
}

fn split(params: &Params, run: &Run, shape: &Transform, table: &Table) -> Result<Split, Failure> {
    let examples = shape.examples(table).or_invalid("bad-table")?;
    let strata = if params.stratify { examples.strata() } else { vec![0; examples.rows()] };
    let split = weft_tables::split(&strata, params.test, params.seed.unwrap_or_else(|| run.seed()));
    if split.held.is_empty() {
        return Err(Failure::invalid("too-few-rows", format!("{} rows are too few to hold any back", strata.len())));
    }
    Ok(split)
}

fn write_rows(run: &Run, name: &str, table: &Table, transform: &Transform) -> Result<(), Failure> {
    table.to_csv(BufWriter::new(fs::File::create(run.output(name))?))?;
    let column = |it: &weft_tables::Column| json!({ "name": it.name, "type": it.kind(), "missing": it.missing() });
    let columns: Vec<_> = table.columns().iter().map(column).collect();
    let schema = json!({ "format": "csv", "rows": table.rows(), "columns": columns, "label": transform.label });
    run.describe(name, "dataset", &schema)?;
    run.metric(&format!("{name}_rows"), table.rows() as f64);
    Ok(())
}

/// What was left out, what there is to predict, and what always giving the same answer would score.
fn record(run: &Run, cleaned: &Cleaned, test: &Table, transform: &Transform) -> Result<(), Failure> {
    run.metric("dropped_rows", cleaned.dropped as f64);
    run.metric("duplicate_rows", cleaned.duplicates as f64);
    run.result("left_out", &cleaned.left_out)?;
    if !cleaned.left_out.is_empty() {
        weft::warn!("columns that are not numbers are no features: {}", cleaned.left_out.join(", "));
    }
    if transform.task == Task::Classification {
        let column = test.column(&transform.label).or_invalid("bad-label")?;
        let count =
            |class: &String| (0..column.len()).filter(|&row| column.cell(row).as_deref() == Some(class)).count();
        let counts: Vec<usize> = transform.classes.iter().map(count).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        run.result("classes", &transform.classes)?;
        run.metric("majority_share", most as f64 / test.rows().max(1) as f64);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
