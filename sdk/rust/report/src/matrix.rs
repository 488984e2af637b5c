//! Matrices as shaded cells: correlations and confusions.

use maud::{Markup, html};

use crate::{
    chart::{clip, room},
    number,
};

/// What shade a cell gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shades {
    /// From -1 (warm) over 0 (none) to 1 (cool).
    Diverging,
    /// From 0 (none) to the largest of its row.
    ByRow,
}

/// A matrix with the names of its rows at the left and of its columns on top; `None` is an empty cell.
#[must_use]
pub fn heatmap(names: &[String], cells: &[Vec<Option<f64>>], shades: Shades) -> Markup {
    let left = room(names.iter().map(String::as_str), 22);
    // Names that do not fit above their column lean to the right.
    let leans = names.iter().any(|it| it.chars().count() > 5);
    let top = if leans { 16.0 + 0.66 * room(names.iter().map(String::as_str), 18) } else { 24.0 };
    let side = (900.0 / names.len().max(1) as f64).clamp(26.0, 56.0);
    let (width, height) =
        (left + side * names.len() as f64 + if leans { 72.0 } else { 4.0 }, top + side * cells.len() as f64 + 4.0);
    let middle = |at: usize| (at as f64 + 0.5) * side;
    html! {
        div.scroll.card {
            svg viewBox=(format!("0 0 {width} {height}")) style=(format!("width: {width}px; max-width: none")) role="img" aria-label="matrix" {
                @for (at, name) in names.iter().enumerate() {
                    @let x = left + middle(at);
                    @if leans {
                        text.strong x=(x) y=(top - 8.0) transform=(format!("rotate(-40 {x} {})", top - 8.0)) { (clip(name, 18)) title { (name) } }
                    } @else {
                        text.strong x=(x) y=(top - 8.0) text-anchor="middle" { (name) }
                    }
                }
                @for (row, values) in cells.iter().enumerate() {
                    @let name = names.get(row).map_or("", String::as_str);
                    text.strong x=(left - 8.0) y=(top + middle(row) + 4.0) text-anchor="end" { (clip(name, 22)) title { (name) } }
                    @for (column, value) in values.iter().enumerate() {
                        @let (fill, opacity) = shade(*value, values, shades);
                        @let (x, y) = (left + column as f64 * side, top + row as f64 * side);
                        g {
                            rect x=(x + 1.0) y=(y + 1.0) width=(side - 2.0) height=(side - 2.0) rx="3" style=(format!("fill: var({fill}); fill-opacity: {opacity:.3}")) {}
                            @if let Some(value) = value { text.strong x=(x + side / 2.0) y=(y + side / 2.0 + 4.0) text-anchor="middle" { (cell(*value, shades)) } }
                            title { (name) " / " (names.get(column).map_or("", String::as_str)) ": " (value.map_or("–".to_owned(), number)) }
                        }
                    }
                }
            }
        }
    }
}

fn shade(value: Option<f64>, row: &[Option<f64>], shades: Shades) -> (&'static str, f64) {
    let Some(value) = value.filter(|it| it.is_finite()) else { return ("--line", 0.4) };
    // Never so dark that the number in the cell could not be read.
    let strength = |share: f64| 0.06 + 0.54 * share.clamp(0.0, 1.0);
    match shades {
        Shades::Diverging if value < 0.0 => ("--warm", strength(-value)),
        Shades::Diverging => ("--cool", strength(value)),
        Shades::ByRow => {
            let most = row.iter().flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
            ("--cool", strength(value / most))
        }
    }
}

fn cell(value: f64, shades: Shades) -> String {
    match shades {
        Shades::Diverging => format!("{value:.2}").replace("0.", "."),
        Shades::ByRow => number(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_shaded_by_sign_and_size() {
        let shade = |value, row: &[Option<f64>], shades| {
            let (color, strength) = shade(value, row, shades);
            (color, (strength * 100.0).round())
        };
        assert_eq!(shade(Some(1.0), &[], Shades::Diverging), ("--cool", 60.0));
        assert_eq!(shade(Some(-1.0), &[], Shades::Diverging), ("--warm", 60.0));
        assert_eq!(shade(Some(2.0), &[Some(2.0), Some(4.0)], Shades::ByRow), ("--cool", 33.0));
        assert_eq!(shade(Some(f64::NAN), &[], Shades::ByRow).0, "--line");
    }

    #[test]
    fn a_matrix_names_its_cells() {
        let names = ["a".to_owned(), "b".to_owned()];
        let cells = [vec![Some(1.0), Some(-0.25)], vec![Some(-0.25), None]];
        let svg = heatmap(&names, &cells, Shades::Diverging).into_string();
        assert!(svg.contains("<title>a / b: -0.25</title>") && svg.contains(">-.25<"), "{svg}");
    }
}
