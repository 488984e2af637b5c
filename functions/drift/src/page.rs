//! The page: which columns have moved, and how.

use maud::{Markup, html};
use weft_report::{Page, Tile, bars, number, table};

use crate::compare::{Change, Compared, Measure};

/// At most so many parts of a column are drawn.
const PARTS: usize = 12;

/// The comparison as HTML.
pub(crate) fn render(title: &str, compared: &[Compared], rows: (usize, usize), by: Measure) -> String {
    let drifted: Vec<&Compared> = compared.iter().filter(|it| it.has_drifted).collect();
    let moderate = compared.iter().filter(|it| it.change == Change::Moderate).count();
    let by = match by {
        Measure::Psi => "population stability index",
        Measure::Ks => "Kolmogorov-Smirnov test",
        Measure::JensenShannon => "Jensen-Shannon distance",
        Measure::Wasserstein => "Wasserstein distance",
        Measure::Any => "any measure",
    };
    let mut page = Page::new(title, format!("{} rows before, {} now; judged by {by}", rows.0, rows.1)).tiles(&[
        Tile::new("Columns", compared.len().to_string()),
        Tile::new("Drifted", drifted.len().to_string()),
        Tile::new("Worth a look", moderate.to_string()).note("a moderate index"),
    ]);
    if !drifted.is_empty() {
        page = page.section("What has moved", html! { div.grid { @for it in &drifted { (card(it)) } } });
    }
    page.section("All columns", all(compared)).render()
}

/// Shares of each part, before and now.
fn card(it: &Compared) -> Markup {
    let share = |of: fn(&crate::compare::Part) -> f64| -> Vec<(String, f64)> {
        it.parts.iter().take(PARTS).map(|part| (part.part.clone(), of(part))).collect()
    };
    html! {
        div.card {
            h3 { (it.column) }
            @if it.parts.is_empty() {
                p.facts { "Gaps: " (number(it.missing.0)) " before, " (number(it.missing.1)) " now" }
            } @else {
                p.facts { "Before" }
                (bars(&share(|part| part.reference)))
                p.facts { "Now" }
                (bars(&share(|part| part.current)))
            }
        }
    }
}

fn all(compared: &[Compared]) -> Markup {
    let optional = |it: Option<f64>| it.map_or("–".to_owned(), number);
    let row = |it: &Compared| {
        let change = if it.has_drifted { "drifted" } else { "" };
        let numbers = [it.psi, it.jensen_shannon, it.ks, it.ks_p, it.wasserstein_scaled].map(optional);
        let gaps = format!("{} / {}", number(it.missing.0), number(it.missing.1));
        [vec![it.column.clone(), change.to_owned()], numbers.to_vec(), vec![gaps]].concat()
    };
    let headings = ["Column", "", "PSI", "Jensen-Shannon", "KS", "p", "Wasserstein / std", "Gaps before / now"];
    table(&headings, &compared.iter().map(row).collect::<Vec<_>>())
}
