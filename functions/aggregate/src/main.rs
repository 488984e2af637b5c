//! Sums up a table: by groups, by windows of time, or both.

mod group;
mod measure;
mod window;

use std::{fs, io::BufWriter};

use serde::Deserialize;
use serde_json::{Map, Value};
use weft::{Failure, OrFail, Run};
use weft_tables::{Column, Table, Times, Unit};

use crate::{
    group::{Group, Groups},
    measure::Measure,
    window::{Arrivals, Windows},
};

/// What to sum up, and over which rows.
#[derive(Deserialize)]
struct Params {
    /// The columns whose values make a group.
    #[serde(default)]
    by: Vec<String>,
    /// What to compute, by the name it gets: `{"total": "sum(price)"}`.
    measures: Map<String, Value>,
    /// Whether rows with a gap in a column of `by` make groups too.
    #[serde(default)]
    keep_missing: bool,
    /// The column of moments, for windows and for what comes first and last.
    #[serde(default)]
    time: String,
    /// What a number in that column counts.
    #[serde(default)]
    unit: Unit,
    /// How long a window is; no windows, when empty.
    #[serde(default)]
    window: String,
    /// How far apart windows begin; as long as they are, when empty.
    #[serde(default)]
    slide: String,
    /// How far behind the latest moment so far a row may come; as far as it likes, when empty.
    #[serde(default)]
    lateness: String,
    /// Whether windows without a row, between the first and the last of a group, are there too.
    #[serde(default)]
    empty_windows: bool,
}

#[weft::job]
fn aggregate(params: Params, run: &Run) -> Result<(), Failure> {
    let table = Table::from_csv(&fs::read(run.input("data")?)?).or_invalid("bad-table")?;
    let measures = params.measures.iter().map(|(name, text)| Measure::read(name, text, &table));
    let measures = measures.collect::<Result<Vec<_>, _>>().or_invalid("bad-measure")?;
    let windows = Windows::read(&params.window, &params.slide, params.empty_windows).or_invalid("bad-window")?;
    let times = times(&params, windows.is_some(), &table)?;
    let arrivals = Arrivals::of(times.as_ref(), table.rows(), &params.lateness).or_invalid("bad-window")?;
    let groups = Groups::of(&table, &params.by, &arrivals.rows, params.keep_missing).or_invalid("bad-group")?;
    let unkeyed = groups.left_out;
    let cut = match (&windows, &times) {
        (Some(windows), Some(times)) => windows.cut(groups.all, times).or_invalid("too-many-windows")?,
        _ => groups.all,
    };
    let summary = summary(&params, &table, &measures, times.as_ref(), &cut)?;
    summary.to_csv(BufWriter::new(fs::File::create(run.output("table"))?))?;
    run.describe("table", "dataset", &summary.schema())?;
    run.metric("rows", table.rows() as f64);
    run.metric("groups", summary.rows() as f64);
    run.metric("late_rows", arrivals.late as f64);
    run.metric("untimed_rows", arrivals.untimed as f64);
    run.metric("unkeyed_rows", unkeyed as f64);
    Ok(())
}

/// The moments of the rows, where they matter.
fn times(params: &Params, has_windows: bool, table: &Table) -> Result<Option<Times>, Failure> {
    match (params.time.as_str(), has_windows) {
        ("", true) => Err(Failure::invalid("no-time", "windows need the param `time`: the column of moments")),
        ("", false) => Ok(None),
        (name, _) => {
            Ok(Some(Times::of(table.column(name).or_invalid("bad-time")?, params.unit).or_invalid("bad-time")?))
        }
    }
}

/// One row per group: what makes it, when its window was, and its measures.
fn summary(
    params: &Params,
    table: &Table,
    measures: &[Measure],
    times: Option<&Times>,
    groups: &[Group],
) -> Result<Table, Failure> {
    let firsts: Vec<Option<usize>> = groups.iter().map(|it| it.like).collect();
    let mut columns = Vec::new();
    for name in &params.by {
        columns.push(table.column(name).or_invalid("bad-group")?.gather(&firsts));
    }
    if let (Some(times), true) = (times, !params.window.is_empty()) {
        let edges =
            |of: fn(&window::Window) -> i64| groups.iter().filter_map(|it| it.window.as_ref().map(of)).collect();
        let (starts, ends): (Vec<i64>, Vec<i64>) = (edges(|it| it.start), edges(|it| it.end));
        columns.extend([times.column("window_start", &starts), times.column("window_end", &ends)]);
    }
    let measured: Result<Vec<Column>, _> = measures.iter().map(|it| it.column(table, groups)).collect();
    columns.extend(measured.or_invalid("bad-measure")?);
    Table::new(columns).or_invalid("bad-params")
}

#[cfg(test)]
mod tests;
