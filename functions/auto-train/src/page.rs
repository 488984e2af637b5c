//! The page: which candidate is best, and by how much.

use maud::html;
use weft_report::{Page, Tile, bars, number, table};

use crate::table::{Entry, Leaderboard};

/// The table of results as HTML.
pub(crate) fn render(title: &str, leaderboard: &Leaderboard, best: &Entry) -> String {
    let metric = leaderboard.metric;
    let optional = |it: Option<f64>| it.map_or("–".to_owned(), number);
    let tiles: Vec<Tile> = std::iter::once(Tile::new("Best", best.name.clone()))
        .chain(best.measures().into_iter().map(|(name, value)| Tile::new(name, number(value))))
        .collect();
    let headings: Vec<&str> =
        ["Candidate", "Spread over folds"].into_iter().chain(best.measures().into_iter().map(|it| it.0)).collect();
    let row = |it: &Entry| {
        let measures = it.measures().into_iter().map(|it| number(it.1));
        [it.name.clone(), optional(it.spread(metric))].into_iter().chain(measures).collect::<Vec<_>>()
    };
    let rows: Vec<_> = leaderboard.entries.iter().filter(|it| it.means.is_some()).map(row).collect();
    let scores: Vec<(String, f64)> =
        leaderboard.entries.iter().filter_map(|it| Some((it.name.clone(), it.score(metric)?))).collect();
    let failed: Vec<&Entry> = leaderboard.entries.iter().filter(|it| it.failure.is_some()).collect();
    let order = if metric.rises() { "the more, the better" } else { "the less, the better" };
    let mut page = Page::new(title, format!("{} candidates by {}, {order}", leaderboard.entries.len(), metric.name()))
        .tiles(&tiles)
        .section(metric.name(), html! { div.card { (bars(&scores)) } })
        .section("Candidates", table(&headings, &rows));
    if !failed.is_empty() {
        page = page.section(
            "Without a score",
            html! {
                ul { @for it in &failed { li { (it.name) ": " (it.failure.as_deref().unwrap_or_default()) } } }
            },
        );
    }
    page.render()
}
