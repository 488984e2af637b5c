//! The page: what is in the dataset, at a glance.

use maud::{Markup, html};
use weft_report::{Page, Shades, Tile, bars, heatmap, histogram, number, table};

use crate::{
    correlation::Correlations,
    statistics::{Count, Statistics, Summary},
};

/// The statistics as HTML.
pub(crate) fn render(title: &str, statistics: &Statistics) -> String {
    let cells = statistics.rows * statistics.columns.len();
    let missing = statistics.missing();
    let subtitle = format!("{} rows, {} columns", statistics.rows, statistics.columns.len());
    let mut page = Page::new(title, subtitle).tiles(&[
        Tile::new("Rows", statistics.rows.to_string()),
        Tile::new("Columns", statistics.columns.len().to_string()),
        Tile::new("Missing", missing.to_string()).note(format!("{} of all values", share(missing, cells))),
        Tile::new("Repeated rows", statistics.duplicate_rows.to_string())
            .note(format!("{} of all rows", share(statistics.duplicate_rows, statistics.rows))),
    ]);
    if let Some(label) = statistics.label.as_deref().filter(|_| !statistics.classes.is_empty()) {
        page = page.section(&format!("Classes of {label}"), classes(&statistics.classes));
    }
    page = page.section("Columns", html! { div.grid { @for it in &statistics.columns { (card(it)) } } });
    if let Some(correlations) = &statistics.correlations {
        page = page.section("Correlations", matrix(correlations));
    }
    page.section("Numbers", numbers(&statistics.columns)).render()
}

fn share(part: usize, of: usize) -> String {
    if of == 0 { "–".to_owned() } else { format!("{:.1}%", 100.0 * part as f64 / of as f64) }
}

fn classes(counts: &[Count]) -> Markup {
    let items: Vec<_> = counts.iter().map(|it| (it.value.clone(), it.count as f64)).collect();
    let most = counts.iter().map(|it| it.share).fold(0.0, f64::max);
    html! {
        div.card { (bars(&items)) }
        p.note { "A model that always answers with the most frequent class is right " (format!("{:.1}%", 100.0 * most)) " of the time." }
    }
}

fn card(summary: &Summary) -> Markup {
    html! {
        div.card {
            h3 { (summary.name) }
            @if let Some(histogram_of) = &summary.histogram { (histogram(&histogram_of.edges, &histogram_of.counts)) }
            @if !summary.frequent.is_empty() {
                (bars(&summary.frequent.iter().map(|it| (it.value.clone(), it.count as f64)).collect::<Vec<_>>()))
            }
            p.facts {
                (format!("{:?}", summary.r#type).to_lowercase()) ", " (summary.distinct) " distinct, " (summary.missing) " missing"
                @if let Some(numbers) = &summary.numbers { ", mean " (number(numbers.mean)) " ± " (number(numbers.std)) }
            }
        }
    }
}

fn matrix(correlations: &Correlations) -> Markup {
    let cells: Vec<Vec<_>> = correlations.matrix.iter().map(|row| row.iter().copied().map(Some).collect()).collect();
    html! {
        (heatmap(&correlations.columns, &cells, Shades::Diverging))
        p.note { "Pearson's coefficient over the " (correlations.rows) " rows without a gap." }
    }
}

fn numbers(columns: &[Summary]) -> Markup {
    let headings = ["Column", "Mean", "Std", "Min", "5%", "25%", "Median", "75%", "95%", "Max", "Skewness", "Kurtosis"];
    let row = |summary: &Summary| {
        let it = summary.numbers.as_ref()?;
        let values =
            [it.mean, it.std, it.min, it.q05, it.q25, it.median, it.q75, it.q95, it.max, it.skewness, it.kurtosis];
        Some(std::iter::once(summary.name.clone()).chain(values.map(number)).collect())
    };
    table(&headings, &columns.iter().filter_map(row).collect::<Vec<_>>())
}
