//! The page: how quick and how sure the endpoint is under load.

use maud::{Markup, html};
use weft_report::{Page, Tile, histogram, number, table};

use crate::measured::Measured;

/// How many bars a histogram has.
const BARS: usize = 30;

/// What was measured as HTML.
pub(crate) fn render(title: &str, url: &str, measured: &Measured, has_passed: bool) -> String {
    let optional = |it: Option<f64>| it.map_or("–".to_owned(), |it| format!("{} ms", number(it)));
    let latency = measured.latency_ms;
    let verdict = if has_passed { "passed" } else { "not passed" };
    let mut page = Page::new(title, format!("{} requests to {url}: {verdict}", measured.requests)).tiles(&[
        Tile::new("p50", optional(latency.map(|it| it.p50))),
        Tile::new("p90", optional(latency.map(|it| it.p90))),
        Tile::new("p99", optional(latency.map(|it| it.p99))),
        Tile::new("Longest", optional(latency.map(|it| it.max))),
        Tile::new("Answers per second", number(measured.throughput)),
        Tile::new("Errors", measured.errors.to_string()).note(format!("{} of all", number(measured.error_share))),
    ]);
    if let (Some(first), Some(last)) = (measured.all_ms.first(), measured.all_ms.last()) {
        page = page.section("Latency, ms", times(&measured.all_ms, *first, *last));
    }
    if !measured.errors_by.is_empty() {
        let rows: Vec<_> =
            measured.errors_by.iter().map(|(what, count)| vec![what.clone(), count.to_string()]).collect();
        page = page.section("Errors", table(&["What", "Requests"], &rows));
    }
    page.render()
}

fn times(sorted: &[f64], first: f64, last: f64) -> Markup {
    let width = ((last - first) / BARS as f64).max(f64::MIN_POSITIVE);
    let mut counts = vec![0; BARS];
    sorted.iter().for_each(|it| counts[(((it - first) / width) as usize).min(BARS - 1)] += 1);
    let edges: Vec<f64> = (0..=BARS).map(|it| first + width * it as f64).collect();
    html! { div.card { (histogram(&edges, &counts)) } }
}
