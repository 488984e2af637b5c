//! What is known of each feature: how much it varies, and how much the label depends on it.

use serde::Deserialize;
use weft_tables::{Column, Type, Values, class_order};

use crate::{information, tests_of_dependence as tests};

/// A label of whole numbers with more distinct values than this is a quantity.
const MOST_CLASSES: usize = 30;

/// What is to be predicted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TaskChoice {
    /// Classes where the label is text, true or false, or few whole numbers.
    #[default]
    Auto,
    /// One of several classes.
    Classification,
    /// A number.
    Regression,
}

/// Why nothing can depend on a label.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("label `{0}` has one class or none; dependence takes two or more")]
    Classes(String),
    #[error(transparent)]
    Table(#[from] weft_tables::Error),
}

/// What is to be predicted, row by row.
#[derive(Debug)]
pub(crate) struct Label {
    pub(crate) name: String,
    pub(crate) target: Target,
}

/// Classes by their place in order, or numbers; a gap where the label is missing.
#[derive(Debug)]
pub(crate) enum Target {
    Classes(Vec<Option<usize>>, usize),
    Numbers(Vec<f64>),
}

/// What is known of a feature. NaN where it cannot be said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scores {
    /// Of the population, as thresholds of variance have it.
    pub(crate) variance: f64,
    /// Pearson's, with the label: of classes, with their place.
    pub(crate) correlation: f64,
    /// Of a one-way analysis of variance, or of a linear regression.
    pub(crate) f: f64,
    pub(crate) f_p: f64,
    /// Of counts by class: only for features without a number below 0.
    pub(crate) chi2: f64,
    pub(crate) chi2_p: f64,
    /// In nats, of numbers cut into bins of about as many rows each.
    pub(crate) mutual_information: f64,
}

impl Label {
    /// The label in a column.
    pub(crate) fn of(column: &Column, task: TaskChoice) -> Result<Self, Error> {
        let classes = class_order(column);
        let is_classes = match (task, column.kind()) {
            (TaskChoice::Classification, _) | (TaskChoice::Auto, Type::Text | Type::Boolean) => true,
            (TaskChoice::Auto, Type::Integer) => classes.len() <= MOST_CLASSES,
            _ => false,
        };
        let target = if is_classes {
            if classes.len() < 2 {
                return Err(Error::Classes(column.name.clone()));
            }
            let places: std::collections::HashMap<&str, usize> =
                classes.iter().enumerate().map(|(at, it)| (it.as_str(), at)).collect();
            let place = |row| places.get(column.cell(row)?.as_ref()).copied();
            Target::Classes((0..column.len()).map(place).collect(), classes.len())
        } else {
            let Values::Number(numbers) = &column.values else {
                return Err(weft_tables::Error::Text(column.name.clone()).into());
            };
            Target::Numbers(numbers.clone())
        };
        Ok(Self { name: column.name.clone(), target })
    }

    /// Whether it is one of several classes.
    pub(crate) fn is_class(&self) -> bool {
        matches!(self.target, Target::Classes(..))
    }
}

impl Scores {
    /// Of one feature, over the rows in which neither it nor the label is missing.
    pub(crate) fn of(feature: &Column, label: &Label, bins: usize) -> Self {
        let all = feature.as_numbers().unwrap_or_default();
        let variance = variance(all.iter().copied().filter(|it| !it.is_nan()));
        match &label.target {
            Target::Classes(classes, count) => {
                let rows: Vec<(f64, usize)> = all
                    .iter()
                    .zip(classes)
                    .filter(|(x, _)| !x.is_nan())
                    .filter_map(|(x, y)| Some((*x, (*y)?)))
                    .collect();
                let places: Vec<(f64, f64)> = rows.iter().map(|(x, y)| (*x, *y as f64)).collect();
                let (f, f_p) = tests::anova(&rows, *count);
                let (chi2, chi2_p) = tests::chi2(&rows, *count);
                let (binned, classes): (Vec<f64>, Vec<usize>) = rows.into_iter().unzip();
                let mutual_information = information::mutual(&information::cut(&binned, bins), &classes);
                Self { variance, correlation: tests::correlation(&places), f, f_p, chi2, chi2_p, mutual_information }
            }
            Target::Numbers(numbers) => {
                let rows: Vec<(f64, f64)> = all
                    .iter()
                    .zip(numbers)
                    .filter(|(x, y)| !x.is_nan() && !y.is_nan())
                    .map(|(x, y)| (*x, *y))
                    .collect();
                let correlation = tests::correlation(&rows);
                let (f, f_p) = tests::regression(correlation, rows.len());
                let (binned, numbers): (Vec<f64>, Vec<f64>) = rows.into_iter().unzip();
                let mutual_information =
                    information::mutual(&information::cut(&binned, bins), &information::cut(&numbers, bins));
                Self { variance, correlation, f, f_p, chi2: f64::NAN, chi2_p: f64::NAN, mutual_information }
            }
        }
    }
}

/// Of the population; NaN of nothing.
fn variance(numbers: impl Iterator<Item = f64>) -> f64 {
    let numbers: Vec<f64> = numbers.collect();
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    numbers.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / count
}
