//! Results as tables.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::{Figure, HttpRow, Limit};

const HTTP: &[&str] =
    &["row", "CPU to axum", "limit", "CPU µs/request", "best", "req/s", "p50 µs", "p99 µs", "dropped"];
const FIGURES: &[&str] = &["what", "value", "limit", "note"];

/// The rows that were loaded over HTTP; `None` where there are none.
pub(super) fn http(rows: &[HttpRow]) -> Option<Table> {
    let cells = rows.iter().map(|row| {
        vec![
            row.what.to_owned(),
            format!("{:.2}x", row.ratio),
            limit(row.ratio, row.limit.map(Limit::AtMost), "x"),
            format!("{:.1}", row.cpu_us),
            format!("{:.1}", row.cpu_us_least),
            format!("{:.0}", row.requests_per_s),
            format!("{:.0}", row.p50_us),
            format!("{:.0}", row.p99_us),
            row.dropped.to_string(),
        ]
    });
    table(HTTP, cells.collect(), 1..HTTP.len())
}

/// The other numbers; `None` where there are none.
pub(super) fn figures(figures: &[Figure]) -> Option<Table> {
    let cells = figures.iter().map(|it| {
        let value = format!("{} {}", three_digits(it.value), it.unit);
        vec![it.what.clone(), value, limit(it.value, it.limit, &format!(" {}", it.unit)), it.note.clone()]
    });
    table(FIGURES, cells.collect(), 1..3)
}

/// For a terminal.
pub(super) fn text(table: &Table) -> String {
    let mut table = table.clone();
    table.load_style(presets::NOTHING);
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// For Markdown.
pub(super) fn markdown(table: &Table) -> String {
    let mut table = table.clone();
    table.load_style(presets::ASCII_MARKDOWN);
    table.to_string()
}

fn table(header: &[&str], rows: Vec<Vec<String>>, numbers: std::ops::Range<usize>) -> Option<Table> {
    if rows.is_empty() {
        return None;
    }
    let mut table = Table::new();
    table.set_content_arrangement(ContentArrangement::Disabled).set_header(header.iter().copied()).add_rows(rows);
    for column in table.column_iter_mut().skip(numbers.start).take(numbers.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    Some(table)
}

/// What was promised, and whether it is kept.
fn limit(value: f64, limit: Option<Limit>, unit: &str) -> String {
    let Some(limit) = limit else { return String::new() };
    let verdict = if limit.is_kept_by(value) { "kept" } else { "MISSED" };
    match limit {
        Limit::AtMost(limit) => format!("≤ {limit}{unit} {verdict}"),
        Limit::AtLeast(limit) => format!("≥ {limit}{unit} {verdict}"),
    }
}

/// `1.23`, `12.3`, `123`; what is whole stays whole.
fn three_digits(value: f64) -> String {
    match value.abs() {
        whole if whole.fract() == 0.0 => format!("{value:.0}"),
        0.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
