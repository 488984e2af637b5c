//! The page: what the model depends on, the most first.

use maud::html;
use weft_learn::Metric;
use weft_report::{Page, Tile, bars, number, table};

use crate::permute::Importance;

/// The importances as HTML.
pub(crate) fn render(title: &str, metric: Metric, base: f64, rows: usize, found: &[Importance]) -> String {
    let items: Vec<(String, f64)> = found.iter().map(|it| (it.feature.clone(), it.mean)).collect();
    let row = |it: &Importance| vec![it.feature.clone(), number(it.mean), number(it.std)];
    let rows_of: Vec<_> = found.iter().map(row).collect();
    Page::new(title, format!("What is lost in {} when a feature is dealt out anew among {rows} rows", metric.name()))
        .tiles(&[
            Tile::new(metric.name(), number(base)).note("with all features as they are"),
            Tile::new("Features", found.len().to_string()),
        ])
        .section("Loss", html! { div.card { (bars(&items)) } })
        .section("Numbers", table(&["Feature", "Mean loss", "Std"], &rows_of))
        .render()
}
