//! Which features stay, and why the others go.

use serde::Deserialize;
use weft_tables::{Column, Error, Table};

use crate::{
    score::{Label, Scores},
    tests_of_dependence::correlation,
};

/// What the best are chosen by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// [`By::F`].
    #[default]
    Auto,
    /// The statistic of the analysis of variance or of the regression.
    F,
    /// The statistic of chi-squared; of a quantity, that of F.
    Chi2,
    /// Mutual information.
    MutualInformation,
    /// How much it is correlated with the label, up or down.
    Correlation,
    /// Variance.
    Variance,
}

/// By which rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) variance: f64,
    pub(crate) correlation: f64,
    pub(crate) by: By,
    pub(crate) top: usize,
}

/// What was chosen.
pub(crate) struct Choice<'a> {
    /// Those that stay, in the order of the table.
    pub(crate) selected: Vec<&'a Column>,
    features: Vec<&'a Column>,
    /// The place of each by its score, from 1; NaN for those that were not compared.
    ranks: Vec<f64>,
    /// Why each goes; `None` for those that stay.
    reasons: Vec<Option<String>>,
}

impl By {
    /// What it means for a label.
    pub(crate) fn resolved(self, label: &Label) -> Self {
        match self {
            Self::Auto => Self::F,
            Self::Chi2 if !label.is_class() => Self::F,
            by => by,
        }
    }

    fn score(self, scores: &Scores) -> f64 {
        let score = match self {
            Self::Auto | Self::F => scores.f,
            Self::Chi2 => scores.chi2,
            Self::MutualInformation => scores.mutual_information,
            Self::Correlation => scores.correlation.abs(),
            Self::Variance => scores.variance,
        };
        // What cannot be scored comes last.
        if score.is_nan() { f64::NEG_INFINITY } else { score }
    }
}

impl<'a> Choice<'a> {
    /// First what hardly varies goes, then what repeats a better one, then what is not among the best.
    pub(crate) fn of(features: &[&'a Column], scores: &[Scores], rules: Rules) -> Self {
        let mut reasons: Vec<Option<String>> = vec![None; features.len()];
        for (reason, scores) in reasons.iter_mut().zip(scores) {
            if scores.variance.is_nan() || scores.variance <= rules.variance {
                *reason = Some("variance".to_owned());
            }
        }
        let mut order: Vec<usize> = (0..features.len()).filter(|&at| reasons[at].is_none()).collect();
        // Stable: of features as good, the earlier comes first.
        order.sort_by(|&a, &b| rules.by.score(&scores[b]).total_cmp(&rules.by.score(&scores[a])));
        let mut ranks = vec![f64::NAN; features.len()];
        let mut kept: Vec<usize> = Vec::new();
        for (rank, &at) in order.iter().enumerate() {
            ranks[at] = (rank + 1) as f64;
            let is_like = |other: &&usize| alike(features[at], features[**other]) > rules.correlation;
            if rules.correlation >= 1.0 {
                kept.push(at);
            } else if let Some(&other) = kept.iter().find(is_like) {
                reasons[at] = Some(format!("like {}", features[other].name));
            } else {
                kept.push(at);
            }
        }
        for &at in kept.iter().skip(rules.top) {
            reasons[at] = Some("rank".to_owned());
        }
        let selected = features.iter().zip(&reasons).filter(|(_, why)| why.is_none()).map(|(it, _)| *it).collect();
        Self { selected, features: features.to_vec(), ranks, reasons }
    }

    /// All of it, one row per feature.
    pub(crate) fn table(&self, scores: &[Scores]) -> Result<Table, Error> {
        let number = |name: &str, of: fn(&Scores) -> f64| Column::numbers(name, scores.iter().map(of).collect());
        let text = |name: &str, cells: Vec<Option<String>>| Column::text(name, cells);
        let selected = self.reasons.iter().map(|it| f64::from(u8::from(it.is_none()))).collect();
        Table::new(vec![
            text("feature", self.features.iter().map(|it| Some(it.name.clone())).collect()),
            number("variance", |it| it.variance),
            number("correlation", |it| it.correlation),
            number("f", |it| it.f),
            number("f_p", |it| it.f_p),
            number("chi2", |it| it.chi2),
            number("chi2_p", |it| it.chi2_p),
            number("mutual_information", |it| it.mutual_information),
            Column::numbers("rank", self.ranks.clone()),
            Column::numbers("selected", selected),
            text("reason", self.reasons.clone()),
        ])
    }
}

/// How much two features are correlated, up or down; not at all where one does not vary.
fn alike(one: &Column, other: &Column) -> f64 {
    let (one, other) = (one.as_numbers().unwrap_or_default(), other.as_numbers().unwrap_or_default());
    let rows: Vec<(f64, f64)> =
        one.iter().zip(other.iter()).filter(|(a, b)| !a.is_nan() && !b.is_nan()).map(|(a, b)| (*a, *b)).collect();
    let alike = correlation(&rows).abs();
    if alike.is_nan() { 0.0 } else { alike }
}
