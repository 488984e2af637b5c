//! What categories there are, and what stands for each.

use serde::{Deserialize, Serialize};
use weft_tables::{Column, Table, Values, class_order};

use crate::Params;

/// What becomes of a category.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    /// A column of 0 and 1 for each.
    #[default]
    OneHot,
    /// Its place among the categories, from 0.
    Ordinal,
    /// The mean of the label over its rows, drawn to the overall mean.
    Target,
}

/// What becomes of a category that was not learned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unknown {
    /// Zeros, -1 or the overall mean.
    #[default]
    Ignore,
    /// The run fails.
    Error,
}

/// What becomes of a gap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Gaps {
    /// Zeros, a gap or the overall mean.
    #[default]
    Ignore,
    /// It is a category like others, called `missing`.
    Category,
}

/// Why nothing can be learned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Table(#[from] weft_tables::Error),
    #[error("column `{column}` has {found} categories, and {most} are encoded at most: raise `most_categories`")]
    TooMany { column: String, found: usize, most: usize },
    #[error("`target` needs the param `label`: the column whose mean is taken")]
    NoLabel,
    #[error("label `{0}` has no number in any row")]
    EmptyLabel(String),
    #[error("label `{label}` has {found} classes; a mean can be taken of numbers, of truth values and of two classes")]
    Classes { label: String, found: usize },
    #[error("`smoothing` has to be 0 or more")]
    Smoothing,
}

/// What was learned.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapping {
    pub(crate) method: Method,
    pub(crate) unknown: Unknown,
    pub(crate) missing: Gaps,
    #[serde(default)]
    pub(crate) drop_first: bool,
    /// The overall mean of the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mean: Option<f64>,
    pub(crate) columns: Vec<Categories>,
}

/// The categories of a column, in order; null is the category of gaps.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Categories {
    pub(crate) name: String,
    pub(crate) categories: Vec<Option<String>>,
    /// What stands for each: with [`Method::Target`] alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) means: Vec<f64>,
}

impl Mapping {
    /// Learns from columns.
    pub(crate) fn of(params: &Params, table: &Table, chosen: &[&Column]) -> Result<Self, Error> {
        let target = match params.method {
            Method::Target if params.label.is_empty() => return Err(Error::NoLabel),
            Method::Target => Some(target(table.column(&params.label)?)?),
            _ => None,
        };
        if params.smoothing.is_nan() || params.smoothing < 0.0 {
            return Err(Error::Smoothing);
        }
        let mean = target.as_ref().map(|it| mean_of(it.iter().copied()).0);
        let columns = chosen.iter().map(|column| {
            let categories = categories(column, params)?;
            let target = target.as_deref().zip(mean);
            let means = target.map(|(target, mean)| means(column, &categories, target, mean, params.smoothing));
            Ok(Categories { name: column.name.clone(), categories, means: means.unwrap_or_default() })
        });
        Ok(Self {
            method: params.method,
            unknown: params.unknown,
            missing: params.missing,
            drop_first: params.drop_first,
            mean,
            columns: columns.collect::<Result<_, Error>>()?,
        })
    }

    /// The columns that were learned.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|it| it.name.as_str()).collect()
    }
}

fn categories(column: &Column, params: &Params) -> Result<Vec<Option<String>>, Error> {
    let mut found: Vec<Option<String>> = class_order(column).into_iter().map(Some).collect();
    if params.missing == Gaps::Category && column.missing() > 0 {
        found.push(None);
    }
    if found.len() > params.most_categories {
        let (column, most) = (column.name.clone(), params.most_categories);
        return Err(Error::TooMany { column, found: found.len(), most });
    }
    Ok(found)
}

/// The label as numbers; of two classes, the second is 1. NaN is missing.
fn target(label: &Column) -> Result<Vec<f64>, Error> {
    let numbers = match &label.values {
        Values::Text(cells) => {
            let classes = class_order(label);
            let [zero, one] = classes.as_slice() else {
                return Err(Error::Classes { label: label.name.clone(), found: classes.len() });
            };
            let number = |cell: &Option<String>| match cell {
                Some(cell) if cell == one => 1.0,
                Some(cell) if cell == zero => 0.0,
                _ => f64::NAN,
            };
            cells.iter().map(number).collect()
        }
        _ => label.as_numbers().unwrap_or_default().into_owned(),
    };
    if numbers.iter().all(|it| it.is_nan()) { Err(Error::EmptyLabel(label.name.clone())) } else { Ok(numbers) }
}

/// The mean of what is there, and how much that is.
fn mean_of(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let (sum, count) = numbers.filter(|it| !it.is_nan()).fold((0.0, 0.0), |(sum, count), it| (sum + it, count + 1.0));
    (if count > 0.0 { sum / count } else { 0.0 }, count)
}

/// The mean of the label over the rows of each category, drawn to the overall mean as if `smoothing` rows had that.
fn means(column: &Column, categories: &[Option<String>], target: &[f64], mean: f64, smoothing: f64) -> Vec<f64> {
    let mut rows: std::collections::HashMap<Option<String>, Vec<f64>> = std::collections::HashMap::new();
    for (row, number) in target.iter().enumerate() {
        rows.entry(column.cell(row).map(Into::into)).or_default().push(*number);
    }
    let of = |category: &Option<String>| {
        let (own, count) = mean_of(rows.get(category).into_iter().flatten().copied());
        if count + smoothing > 0.0 { (own * count + mean * smoothing) / (count + smoothing) } else { mean }
    };
    categories.iter().map(of).collect()
}
