//! One column, before and now.

use serde::{Deserialize, Serialize};
use weft_tables::Column;

use crate::{bins, distance};

/// What a column is said to have moved by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// The population stability index.
    Psi,
    /// How likely the Kolmogorov-Smirnov distance is; words have none, so their index counts.
    Ks,
    /// The Jensen-Shannon distance.
    JensenShannon,
    /// The Wasserstein distance in standard deviations of the reference; words have none, so their index counts.
    Wasserstein,
    /// Any of them.
    Any,
}

/// From where on something has moved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Thresholds {
    /// The index from which a change is worth a look.
    pub(crate) psi_moderate: f64,
    /// The index from which a change is large: what has drifted.
    pub(crate) psi_large: f64,
    /// How unlikely the Kolmogorov-Smirnov distance must be.
    pub(crate) ks_p: f64,
    pub(crate) jensen_shannon: f64,
    /// In standard deviations of the reference.
    pub(crate) wasserstein: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { psi_moderate: 0.1, psi_large: 0.25, ks_p: 0.05, jensen_shannon: 0.1, wasserstein: 0.1 }
    }
}

/// How large a change is, by the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Change {
    None,
    Moderate,
    Large,
}

/// A column, before and now. What cannot be said, as of a column that is all gaps, is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Compared {
    pub(crate) column: String,
    pub(crate) kind: &'static str,
    pub(crate) has_drifted: bool,
    pub(crate) change: Change,
    pub(crate) psi: Option<f64>,
    pub(crate) jensen_shannon: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ks: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ks_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wasserstein: Option<f64>,
    /// The same in standard deviations of the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wasserstein_scaled: Option<f64>,
    /// The shares of gaps, before and now.
    pub(crate) missing: (f64, f64),
    pub(crate) parts: Vec<Part>,
}

/// A part of a column, with its share before and now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Part {
    pub(crate) part: String,
    pub(crate) reference: f64,
    pub(crate) current: f64,
}

impl Compared {
    /// Compares numbers; NaN is a gap.
    pub(crate) fn of_numbers(
        column: &str,
        reference: &[f64],
        current: &[f64],
        parts: usize,
        thresholds: &Thresholds,
        by: Measure,
    ) -> Self {
        let (before, now) = (present(reference), present(current));
        let missing = (gaps(reference.len(), before.len()), gaps(current.len(), now.len()));
        if before.is_empty() || now.is_empty() {
            return Self::of_gaps(column, "numbers", missing);
        }
        let cuts = bins::cuts(&before, parts);
        let (counts, others) = (bins::count(&before, &cuts), bins::count(&now, &cuts));
        let ks = distance::kolmogorov_smirnov(&before, &now);
        let moved = distance::wasserstein(&before, &now);
        let spread = deviation(&before);
        Self {
            ks: Some(ks),
            ks_p: Some(distance::likelihood(ks, before.len(), now.len())),
            wasserstein: Some(moved),
            // Of a reference that never changes, any change is out of all proportion.
            wasserstein_scaled: (spread > 0.0).then_some(moved / spread),
            parts: in_parts(&ranges(&cuts), &counts, &others),
            ..Self::of_counts(column, "numbers", &counts, &others, missing)
        }
        .judged(thresholds, by)
    }

    /// Compares words, and whatever else is no number.
    pub(crate) fn of_words(reference: &Column, current: &Column, thresholds: &Thresholds, by: Measure) -> Self {
        let missing = |column: &Column| gaps(column.len(), column.len() - column.missing());
        let missing = (missing(reference), missing(current));
        let words = bins::words(reference, current);
        let (counts, others): (Vec<f64>, Vec<f64>) = words.values().copied().unzip();
        if counts.iter().sum::<f64>() == 0.0 || others.iter().sum::<f64>() == 0.0 {
            return Self::of_gaps(&reference.name, "words", missing);
        }
        let names: Vec<String> = words.into_keys().collect();
        Self {
            parts: in_parts(&names, &counts, &others),
            ..Self::of_counts(&reference.name, "words", &counts, &others, missing)
        }
        .judged(thresholds, by)
    }

    fn of_counts(column: &str, kind: &'static str, before: &[f64], now: &[f64], missing: (f64, f64)) -> Self {
        Self {
            psi: Some(distance::psi(before, now)),
            jensen_shannon: Some(distance::jensen_shannon(before, now)),
            ..Self::of_gaps(column, kind, missing)
        }
    }

    /// Where one side has no values, only gaps can be compared: all of them gone or come is a drift.
    fn of_gaps(column: &str, kind: &'static str, missing: (f64, f64)) -> Self {
        let is_other = (missing.0 < 1.0) != (missing.1 < 1.0);
        Self {
            column: column.to_owned(),
            kind,
            has_drifted: is_other,
            change: if is_other { Change::Large } else { Change::None },
            psi: None,
            jensen_shannon: None,
            ks: None,
            ks_p: None,
            wasserstein: None,
            wasserstein_scaled: None,
            missing,
            parts: Vec::new(),
        }
    }

    fn judged(mut self, thresholds: &Thresholds, by: Measure) -> Self {
        let psi = self.psi.unwrap_or(0.0);
        self.change = match psi {
            it if it >= thresholds.psi_large => Change::Large,
            it if it >= thresholds.psi_moderate => Change::Moderate,
            _ => Change::None,
        };
        let by_psi = self.change == Change::Large;
        let by_ks = self.ks_p.map(|it| it < thresholds.ks_p);
        let by_js = self.jensen_shannon.is_some_and(|it| it >= thresholds.jensen_shannon);
        let by_distance = self
            .wasserstein
            .map(|moved| self.wasserstein_scaled.map_or(moved > 0.0, |it| it >= thresholds.wasserstein));
        self.has_drifted = match by {
            Measure::Psi => by_psi,
            Measure::Ks => by_ks.unwrap_or(by_psi),
            Measure::JensenShannon => by_js,
            Measure::Wasserstein => by_distance.unwrap_or(by_psi),
            Measure::Any => by_psi || by_js || by_ks == Some(true) || by_distance == Some(true),
        };
        self
    }
}

/// The numbers that are there, sorted.
fn present(numbers: &[f64]) -> Vec<f64> {
    let mut present: Vec<f64> = numbers.iter().copied().filter(|it| !it.is_nan()).collect();
    present.sort_by(f64::total_cmp);
    present
}

fn gaps(all: usize, present: usize) -> f64 {
    (all - present) as f64 / all.max(1) as f64
}

fn deviation(numbers: &[f64]) -> f64 {
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    (numbers.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / numbers.len() as f64).sqrt()
}

/// What each part is called.
fn ranges(cuts: &[f64]) -> Vec<String> {
    let short = |it: f64| weft_report::number(it);
    let Some((first, last)) = cuts.first().zip(cuts.last()) else { return vec!["all".to_owned()] };
    let between = cuts.windows(2).map(|pair| format!("{} to {}", short(pair[0]), short(pair[1])));
    std::iter::once(format!("below {}", short(*first)))
        .chain(between)
        .chain([format!("from {}", short(*last))])
        .collect()
}

fn in_parts(names: &[String], before: &[f64], now: &[f64]) -> Vec<Part> {
    let (all, others): (f64, f64) = (before.iter().sum(), now.iter().sum());
    let part = |(name, (before, now)): (&String, (&f64, &f64))| Part {
        part: name.clone(),
        reference: before / all,
        current: now / others,
    };
    names.iter().zip(before.iter().zip(now)).map(part).collect()
}
