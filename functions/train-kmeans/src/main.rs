//! Finds clusters by k-means and exports them as ONNX.

mod clusters;
mod export;

use std::fs;

use serde::Deserialize;
use serde_json::json;
use weft::{Failure, OrFail, Run};
use weft_tables::{Column, Feature, Table, Task, Transform};

use crate::clusters::{Clusters, Settings};

/// How to cluster.
#[derive(Deserialize)]
#[serde(default)]
struct Params {
    /// How many clusters.
    clusters: usize,
    /// The columns that say how near two rows are; every column of numbers, when empty.
    features: Vec<String>,
    scale: Scale,
    /// From how many beginnings; the best of them counts.
    runs: usize,
    /// How many steps one of them takes at most.
    max_iterations: usize,
    /// The seed of the beginnings; the run's, where none is given.
    seed: Option<u64>,
}

/// How features are brought to one scale before they are compared.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scale {
    /// To mean 0 and standard deviation 1.
    Standard,
    /// Not at all: the largest numbers decide.
    None,
}

impl Default for Params {
    fn default() -> Self {
        Self { clusters: 3, features: Vec::new(), scale: Scale::Standard, runs: 10, max_iterations: 300, seed: None }
    }
}

#[weft::job]
fn train(params: Params, run: &Run) -> Result<(), Failure> {
    let table = Table::from_csv(&fs::read(run.input("data")?)?).or_invalid("bad-table")?;
    let transform = transform(&params, &table)?;
    let rows: Vec<Vec<f32>> = transform
        .raw(&table)
        .or_invalid("bad-table")?
        .chunks_exact(transform.features.len())
        .map(|row| transform.apply(row))
        .collect();
    let settings = Settings {
        clusters: params.clusters,
        runs: params.runs.max(1),
        max_iterations: params.max_iterations.max(1),
        seed: params.seed.unwrap_or_else(|| run.seed()),
    };
    let progress = |done: usize| run.progress(0.9 * done as f64 / settings.runs as f64, "searching");
    let clusters = clusters::fit(&rows, &settings, progress).or_invalid("cannot-train")?;
    record(run, &clusters, rows.len());
    write(run, &transform, &table, &clusters)
}

/// What is compared, with gaps filled by the mean, every feature around 0 and, unless told otherwise, of one spread.
fn transform(params: &Params, table: &Table) -> Result<Transform, Failure> {
    let wanted = |column: &&Column| params.features.is_empty() && column.as_numbers().is_some();
    let named = params.features.iter().map(|it| table.column(it)).collect::<Result<Vec<_>, _>>();
    let columns: Vec<&Column> =
        table.columns().iter().filter(wanted).chain(named.or_invalid("bad-features")?).collect();
    let features: Vec<Feature> = columns.into_iter().map(|it| feature(it, params.scale)).collect::<Result<_, _>>()?;
    if features.is_empty() {
        return Err(Failure::invalid("bad-features", "no column holds numbers"));
    }
    let classes = (0..params.clusters).map(|it| it.to_string()).collect();
    Ok(Transform { task: Task::Classification, label: "cluster".to_owned(), classes, features })
}

fn feature(column: &Column, scale: Scale) -> Result<Feature, Failure> {
    let Some(numbers) = column.as_numbers() else {
        return Err(Failure::invalid("bad-features", format!("column `{}` holds text", column.name)));
    };
    let present: Vec<f64> = numbers.iter().copied().filter(|it| !it.is_nan()).collect();
    let mean = present.iter().sum::<f64>() / present.len().max(1) as f64;
    let spread = (numbers.iter().filter(|it| !it.is_nan()).map(|it| (it - mean).powi(2)).sum::<f64>()
        / present.len().max(1) as f64)
        .sqrt();
    let scale = if scale == Scale::Standard && spread > 0.0 { 1.0 / spread } else { 1.0 };
    // Around 0 even without a scale: distances stay, and single precision is best there.
    Ok(Feature { name: column.name.clone(), fill: Some(mean), offset: mean, scale })
}

fn record(run: &Run, clusters: &Clusters, rows: usize) {
    let sizes = clusters.sizes();
    run.metric("inertia", clusters.inertia);
    run.metric("smallest", sizes.iter().copied().min().unwrap_or(0) as f64);
    run.metric("largest", sizes.iter().copied().max().unwrap_or(0) as f64);
    run.metric("rows", rows as f64);
}

fn write(run: &Run, transform: &Transform, table: &Table, clusters: &Clusters) -> Result<(), Failure> {
    let bytes = export::onnx(transform, clusters).or_fatal("bad-model")?;
    fs::write(run.output("model"), &bytes)?;
    let summary = weft_onnx::Summary::read(&bytes).or_fatal("bad-model")?;
    let features: Vec<&String> = transform.features.iter().map(|it| &it.name).collect();
    let says = json!({
        "format": "onnx",
        "algorithm": "k-means",
        "task": "clustering",
        "features": features,
        "classes": transform.classes,
        "signature": { "inputs": summary.inputs, "outputs": summary.outputs },
        "params": { "clusters": clusters.centers.len() },
    });
    run.describe("model", "model", &says)?;
    let centers = clusters.in_words(transform);
    fs::write(run.output("clusters"), serde_json::to_vec_pretty(&centers)?)?;
    run.describe("clusters", "table", &json!({ "columns": ["cluster", "rows", "center"], "rows": centers.len() }))?;
    let found = clusters.found.iter().map(|it| *it as f64).collect();
    let columns = table.columns().iter().filter(|it| it.name != transform.label).cloned();
    let assigned =
        Table::new(columns.chain([Column::numbers(&transform.label, found)]).collect()).or_fatal("bad-output")?;
    assigned.to_csv(fs::File::create(run.output("assigned"))?).or_fatal("bad-output")?;
    run.describe("assigned", "dataset", &json!({ "rows": table.rows(), "label": transform.label }))?;
    run.metric("model_bytes", bytes.len() as f64);
    run.result("clusters", &centers)
}

#[cfg(test)]
mod tests;
