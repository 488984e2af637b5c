//! Charts along axes: histograms, bars and lines.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::number;

/// A named curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Its points, by x.
    pub points: Vec<(f64, f64)>,
}

/// Counts per bin; `edges` has one entry more than `counts`.
#[must_use]
pub fn histogram(edges: &[f64], counts: &[usize]) -> Markup {
    const WIDTH: f64 = 280.0;
    const HEIGHT: f64 = 96.0;
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = WIDTH / counts.len().max(1) as f64;
    let bar = |at: usize, count: usize| {
        let tall = (count as f64 / most * HEIGHT).max(if count > 0 { 1.0 } else { 0.0 });
        (at as f64 * step, HEIGHT - tall, (step - 1.0).max(0.5), tall)
    };
    let edge = |at: usize| number(edges.get(at).copied().unwrap_or(f64::NAN));
    html! {
        svg viewBox="0 0 280 114" style="max-width: 420px" role="img" aria-label="histogram" {
            line.grid-line x1="0" x2="280" y1="96.5" y2="96.5" {}
            @for (at, &count) in counts.iter().enumerate() {
                @let (x, y, w, h) = bar(at, count);
                rect.bar x=(px(x)) y=(px(y)) width=(px(w)) height=(px(h)) { title { (edge(at)) " to " (edge(at + 1)) ": " (count) } }
            }
            text x="0" y="110" { (edge(0)) }
            text x="280" y="110" text-anchor="end" { (edge(counts.len())) }
        }
    }
}

/// A horizontal bar per item, the longest for the largest value; negative values are drawn as 0.
#[must_use]
pub fn bars(items: &[(String, f64)]) -> Markup {
    const ROW: f64 = 24.0;
    const LONGEST: f64 = 300.0;
    let left = room(items.iter().map(|(name, _)| name.as_str()), 26);
    let most = items.iter().map(|(_, value)| *value).filter(|it| it.is_finite()).fold(f64::MIN_POSITIVE, f64::max);
    let long = |value: f64| if value.is_finite() { (value / most * LONGEST).clamp(0.0, LONGEST) } else { 0.0 };
    let height = items.len().max(1) as f64 * ROW;
    html! {
        svg viewBox=(format!("0 0 {} {height}", px(left + LONGEST + 70.0))) style="max-width: 640px" role="img" aria-label="bars" {
            @for (at, (name, value)) in items.iter().enumerate() {
                @let y = at as f64 * ROW;
                text.strong x=(px(left - 10.0)) y=(y + 16.0) text-anchor="end" { (clip(name, 26)) title { (name) } }
                rect.bar x=(px(left)) y=(y + 4.0) width=(px(long(*value))) height="16" rx="2" { title { (name) ": " (number(*value)) } }
                text x=(px(left + long(*value) + 8.0)) y=(y + 16.0) { (number(*value)) }
            }
        }
    }
}

/// Curves over the unit square, as a ROC has them, with the diagonal of chance.
#[must_use]
pub fn lines(series: &[Series], x_name: &str, y_name: &str) -> Markup {
    html! {
        figure {
            svg viewBox="0 0 440 400" style="max-width: 520px" role="img" aria-label=(format!("{y_name} over {x_name}")) {
                @for tick in 0..=4 {
                    @let share = f64::from(tick) / 4.0;
                    line.grid-line x1=(x(0.0)) x2=(x(1.0)) y1=(y(share)) y2=(y(share)) {}
                    line.grid-line x1=(x(share)) x2=(x(share)) y1=(y(0.0)) y2=(y(1.0)) {}
                    text x=(x(share)) y="366" text-anchor="middle" { (number(share)) }
                    text x="56" y=(y(share) + 4.0) text-anchor="end" { (number(share)) }
                }
                path.guide d=(format!("M{} {}L{} {}", x(0.0), y(0.0), x(1.0), y(1.0))) {}
                @for (at, curve) in series.iter().enumerate() {
                    path.curve d=(path(&curve.points)) style=(format!("stroke: {}", color(at))) { title { (curve.name) } }
                }
                text x=(x(0.5)) y="390" text-anchor="middle" { (x_name) }
                text x="12" y=(y(0.5)) text-anchor="middle" transform=(format!("rotate(-90 12 {})", y(0.5))) { (y_name) }
            }
            div.legend {
                @for (at, curve) in series.iter().enumerate() {
                    span { i style=(format!("background: {}", color(at))) {} (curve.name) }
                }
            }
        }
    }
}

/// Points by two quantities of one kind, with the diagonal on which both are equal.
#[must_use]
pub fn scatter(points: &[(f64, f64)], x_name: &str, y_name: &str) -> Markup {
    let all = || points.iter().flat_map(|it| [it.0, it.1]).filter(|it| it.is_finite());
    let (low, high) = (all().reduce(f64::min).unwrap_or(0.0), all().reduce(f64::max).unwrap_or(1.0));
    let extent = if high > low { high - low } else { 1.0 };
    let share = |value: f64| (value - low) / extent;
    html! {
        svg viewBox="0 0 440 400" style="max-width: 520px" role="img" aria-label=(format!("{y_name} over {x_name}")) {
            @for tick in 0..=4 {
                @let at = f64::from(tick) / 4.0;
                line.grid-line x1=(x(0.0)) x2=(x(1.0)) y1=(y(at)) y2=(y(at)) {}
                text x=(x(at)) y="366" text-anchor="middle" { (number(low + at * extent)) }
                text x="56" y=(y(at) + 4.0) text-anchor="end" { (number(low + at * extent)) }
            }
            path.guide d=(format!("M{} {}L{} {}", x(0.0), y(0.0), x(1.0), y(1.0))) {}
            @for (across, up) in points.iter().filter(|it| it.0.is_finite() && it.1.is_finite()) {
                circle.bar cx=(px(x(share(*across)))) cy=(px(y(share(*up)))) r="3" fill-opacity="0.55" {
                    title { (number(*across)) " / " (number(*up)) }
                }
            }
            text x=(x(0.5)) y="390" text-anchor="middle" { (x_name) }
            text x="12" y=(y(0.5)) text-anchor="middle" transform=(format!("rotate(-90 12 {})", y(0.5))) { (y_name) }
        }
    }
}

fn x(share: f64) -> f64 {
    64.0 + share * 361.0
}

fn y(share: f64) -> f64 {
    348.0 - share * 335.0
}

fn color(at: usize) -> String {
    format!("var(--s{})", at % 8)
}

fn path(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (at, point) in points.iter().enumerate() {
        let command = if at == 0 { 'M' } else { 'L' };
        // Writing to a string cannot fail.
        let _ = write!(path, "{command}{} {}", px(x(point.0)), px(y(point.1)));
    }
    path
}

/// A coordinate, no finer than can be seen.
fn px(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// How wide the longest of `names` is, at most `most` characters, with some air.
pub(crate) fn room<'a>(names: impl Iterator<Item = &'a str>, most: usize) -> f64 {
    let longest = names.map(|it| it.chars().count().min(most)).max().unwrap_or(0);
    18.0 + 7.2 * longest as f64
}

/// The first `most` characters, with an ellipsis where there were more.
pub(crate) fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_tall_as_its_count() {
        let svg = histogram(&[0.0, 1.0, 2.0, 3.0], &[4, 0, 2]).into_string();
        assert!(
            svg.contains("height=\"96\"") && svg.contains("height=\"0\"") && svg.contains("height=\"48\""),
            "{svg}"
        );
        assert!(svg.contains("<title>0 to 1: 4</title>"), "{svg}");
    }

    #[test]
    fn charts_of_nothing_are_empty_not_broken() {
        for svg in [histogram(&[], &[]), bars(&[]), lines(&[], "x", "y"), scatter(&[], "x", "y")] {
            assert!(!svg.into_string().contains("NaN"));
        }
    }

    #[test]
    fn values_that_are_no_numbers_take_no_room() {
        let svg = bars(&[("a".to_owned(), f64::NAN), ("b".to_owned(), 2.0)]).into_string();
        assert!(svg.contains("width=\"0\"") && svg.contains("width=\"300\"") && !svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn long_names_are_clipped_by_character() {
        assert_eq!(clip("äöüäöü", 4), "äöü…");
        assert_eq!(clip("abcd", 4), "abcd");
    }
}
