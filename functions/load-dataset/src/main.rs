//! Loads a dataset: one that comes with the function, or a CSV, JSON or Parquet file.

mod builtin;
mod format;
mod json;
mod parquet;

use std::{fs, io::BufWriter};

use serde::Deserialize;
use serde_json::{Value, json};
use weft::{Failure, OrFail, Run};
use weft_tables::Table;

use crate::format::Format;

/// What to load, and how.
#[derive(Deserialize)]
struct Params {
    /// A dataset that comes with the function.
    #[serde(default)]
    name: String,
    /// The format of the input `source`.
    #[serde(default)]
    format: Format,
    /// What parts the cells of a CSV line.
    #[serde(default)]
    delimiter: Option<char>,
    /// Where in JSON the list of records lies, such as `data.items`; at the top, when empty.
    #[serde(default)]
    records: String,
    /// The column to predict, for the schema; where none is named, the last.
    #[serde(default)]
    label: String,
}

#[weft::job]
fn load(params: Params, run: &Run) -> Result<(), Failure> {
    let loaded = match (params.name.as_str(), run.has_input("source")) {
        ("", true) => from_source(&params, run)?,
        ("", false) => return Err(Failure::invalid("nothing-to-load", "give the param `name` or the input `source`")),
        (_, true) => {
            return Err(Failure::invalid("two-sources", "give the param `name` or the input `source`, not both"));
        }
        (name, false) => builtin::load(name).or_invalid("no-such-dataset")?,
    };
    let label = loaded.table.label(&params.label).or_invalid("bad-label")?.name.clone();
    let out = fs::File::create(run.output("data"))?;
    loaded.table.to_csv(BufWriter::new(out))?;
    run.describe("data", "dataset", &schema(&loaded, &label))?;
    run.metric("rows", loaded.table.rows() as f64);
    run.metric("columns", loaded.table.columns().len() as f64);
    weft::info!({ rows = loaded.table.rows(), label = label }, "loaded {}", loaded.title);
    Ok(())
}

/// A table, and where it comes from.
struct Loaded {
    table: Table,
    title: String,
    origin: Option<String>,
    license: Option<String>,
}

fn from_source(params: &Params, run: &Run) -> Result<Loaded, Failure> {
    let source = run.input_info("source")?;
    let bytes = fs::read(&source.path)?;
    let table = params.format.read(bytes, params.delimiter, &params.records).or_invalid("bad-source")?;
    Ok(Loaded { table, title: "the input `source`".to_owned(), origin: Some(source.digest), license: None })
}

/// What the artifact says of itself: columns with their types, rows, label, origin and licence.
fn schema(loaded: &Loaded, label: &str) -> Value {
    let column = |it: &weft_tables::Column| json!({ "name": it.name, "type": it.kind(), "missing": it.missing() });
    let columns: Vec<_> = loaded.table.columns().iter().map(column).collect();
    json!({
        "title": loaded.title,
        "format": "csv",
        "rows": loaded.table.rows(),
        "columns": columns,
        "label": label,
        "origin": loaded.origin,
        "license": loaded.license,
    })
}

#[cfg(test)]
mod tests;
