//! The frame of a page: title, tiles with the main numbers, sections.

use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("page.css");

/// A page in the making.
#[derive(Debug)]
#[must_use]
pub struct Page {
    title: String,
    subtitle: String,
    body: Vec<Markup>,
}

/// A number that matters, with what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    name: String,
    value: String,
    note: String,
}

impl Tile {
    /// `value` under the heading `name`.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), note: String::new() }
    }

    /// Adds what to compare it with.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

impl Page {
    /// A page with this title, and a line below it.
    pub fn new(title: impl Into<String>, subtitle: impl Into<String>) -> Self {
        Self { title: title.into(), subtitle: subtitle.into(), body: Vec::new() }
    }

    /// Adds a row of tiles.
    pub fn tiles(mut self, tiles: &[Tile]) -> Self {
        self.body.push(html! {
            dl.tiles {
                @for tile in tiles {
                    div {
                        dt { (tile.name) }
                        dd { (tile.value) @if !tile.note.is_empty() { small { (tile.note) } } }
                    }
                }
            }
        });
        self
    }

    /// Adds a section under a heading.
    pub fn section(mut self, heading: &str, content: Markup) -> Self {
        self.body.push(html! { section { h2 { (heading) } (content) } });
        self
    }

    /// The page as HTML.
    #[must_use]
    pub fn render(self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header { h1 { (self.title) } p { (self.subtitle) } }
                    main { @for part in self.body { (part) } }
                }
            }
        };
        page.into_string()
    }
}

/// A table; the first column is the heading of its row, all others are set as numbers.
#[must_use]
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { @for heading in headings { th scope="col" { (heading) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (at, cell) in row.iter().enumerate() {
                                @if at == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A number for people: four significant digits, and `–` where there is none.
#[must_use]
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let magnitude = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    if !(-4.0..9.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let decimals = (3.0 - magnitude).clamp(0.0, 7.0) as usize;
    let text = format!("{value:.decimals$}");
    match text.split_once('.') {
        Some(_) => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_that_matter() {
        let pairs = [
            (0.0, "0"),
            (1599.0, "1599"),
            (0.996_746_7, "0.9967"),
            (10.422_98, "10.42"),
            (0.000_012_34, "1.234e-5"),
            (1.5e12, "1.500e12"),
            (-3.0, "-3"),
            (123_456.0, "123456"),
        ];
        for (value, text) in pairs {
            assert_eq!(number(value), text);
        }
        assert_eq!(number(f64::NAN), "–");
    }

    #[test]
    fn a_page_stands_alone_and_escapes_what_it_is_given() {
        let page =
            Page::new("<b>", "rows").tiles(&[Tile::new("Rows", "3").note("of 4")]).section("A & B", html! {}).render();
        assert!(page.contains("<h1>&lt;b&gt;</h1>") && page.contains("<h2>A &amp; B</h2>"));
        assert!(!page.contains("<script") && !page.contains("http"));
    }
}
