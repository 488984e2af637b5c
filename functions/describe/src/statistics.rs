//! What can be said of a table: column by column, and of the columns together.

use std::collections::BTreeMap;

use ndarray::{Array1, ArrayView1};
use ndarray_stats::{Quantile1dExt, SummaryStatisticsExt, interpolate::Linear};
use noisy_float::types::{N64, n64};
use serde::Serialize;
use weft_tables::{Column, Error, Table, Type, class_order};

use crate::correlation::Correlations;

/// A label with more distinct values than this is a quantity, not a class.
const CLASSES: usize = 30;
/// How many of the most frequent values are listed.
const FREQUENT: usize = 10;

/// What can be said of a table.
#[derive(Debug, Serialize)]
pub(crate) struct Statistics {
    pub(crate) rows: usize,
    /// Rows that repeat an earlier one.
    pub(crate) duplicate_rows: usize,
    pub(crate) label: Option<String>,
    /// How often each class of the label occurs; empty where it is a quantity.
    pub(crate) classes: Vec<Count>,
    pub(crate) columns: Vec<Summary>,
    pub(crate) correlations: Option<Correlations>,
}

/// How often a value occurs.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Count {
    pub(crate) value: String,
    pub(crate) count: usize,
    pub(crate) share: f64,
}

/// What can be said of one column.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) name: String,
    pub(crate) r#type: Type,
    pub(crate) missing: usize,
    pub(crate) distinct: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) numbers: Option<Numbers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) histogram: Option<Histogram>,
    /// The most frequent values of a column that is not of numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) frequent: Vec<Count>,
}

/// What can be said of numbers.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Numbers {
    pub(crate) mean: f64,
    pub(crate) std: f64,
    pub(crate) min: f64,
    pub(crate) q05: f64,
    pub(crate) q25: f64,
    pub(crate) median: f64,
    pub(crate) q75: f64,
    pub(crate) q95: f64,
    pub(crate) max: f64,
    pub(crate) skewness: f64,
    pub(crate) kurtosis: f64,
}

/// Counts per bin; one more edge than counts. The last bin includes its upper edge.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Histogram {
    pub(crate) edges: Vec<f64>,
    pub(crate) counts: Vec<usize>,
}

impl Statistics {
    /// Computes all of it.
    pub(crate) fn of(table: &Table, label: Option<&str>, bins: usize) -> Result<Self, Error> {
        let classes = label.map(|name| table.column(name).map(classes)).transpose()?.unwrap_or_default();
        Ok(Self {
            rows: table.rows(),
            duplicate_rows: duplicate_rows(table),
            label: label.map(str::to_owned),
            classes,
            columns: table.columns().iter().map(|it| Summary::of(it, bins)).collect(),
            correlations: Correlations::of(table),
        })
    }

    /// How many values are missing in all.
    pub(crate) fn missing(&self) -> usize {
        self.columns.iter().map(|it| it.missing).sum()
    }
}

impl Summary {
    fn of(column: &Column, bins: usize) -> Self {
        let counts = counts(column);
        let is_number = matches!(column.kind(), Type::Integer | Type::Number);
        let present: Vec<f64> = column
            .as_numbers()
            .filter(|_| is_number)
            .map(|all| all.iter().copied().filter(|it| !it.is_nan()).collect())
            .unwrap_or_default();
        Self {
            name: column.name.clone(),
            r#type: column.kind(),
            missing: column.missing(),
            distinct: counts.len(),
            numbers: Numbers::of(&present),
            histogram: Histogram::of(&present, bins),
            frequent: if is_number { Vec::new() } else { frequent(counts) },
        }
    }
}

impl Numbers {
    fn of(present: &[f64]) -> Option<Self> {
        let values = ArrayView1::from(present);
        let mean = values.mean()?;
        let mut sortable: Array1<N64> = values.mapv(n64);
        let at = Array1::from(vec![0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0]).mapv(n64);
        let quantiles = sortable.quantiles_mut(&at, &Linear).ok()?;
        let [min, q05, q25, median, q75, q95, max] = *quantiles.as_slice()? else { return None };
        Some(Self {
            mean,
            std: values.std(1.0),
            min: min.raw(),
            q05: q05.raw(),
            q25: q25.raw(),
            median: median.raw(),
            q75: q75.raw(),
            q95: q95.raw(),
            max: max.raw(),
            skewness: values.skewness().unwrap_or(f64::NAN),
            kurtosis: values.kurtosis().unwrap_or(f64::NAN),
        })
    }
}

impl Histogram {
    /// Equal bins over the range; for few whole numbers, a bin each.
    fn of(present: &[f64], most: usize) -> Option<Self> {
        let (min, max) = (present.iter().copied().reduce(f64::min)?, present.iter().copied().reduce(f64::max)?);
        let whole = present.iter().all(|it| it.fract() == 0.0) && max - min < most as f64;
        let (from, to, bins) = match () {
            () if whole => (min - 0.5, max + 0.5, (max - min) as usize + 1),
            () if max > min => (min, max, most),
            () => (min, max, 1),
        };
        let width = (to - from) / bins as f64;
        let mut counts = vec![0; bins];
        for value in present {
            // A range so wide that its width is infinite falls into the first bin rather than out of all.
            let bin = (value - from) / width;
            counts[if bin.is_finite() { (bin as usize).min(bins - 1) } else { 0 }] += 1;
        }
        let edges = (0..=bins).map(|at| if at == bins { to } else { from + width * at as f64 }).collect();
        Some(Self { edges, counts })
    }
}

fn counts(column: &Column) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for row in 0..column.len() {
        if let Some(cell) = column.cell(row) {
            *counts.entry(cell.into_owned()).or_insert(0) += 1;
        }
    }
    counts
}

fn frequent(counts: BTreeMap<String, usize>) -> Vec<Count> {
    let total: usize = counts.values().sum();
    let mut all: Vec<_> = counts.into_iter().collect();
    // Stable: equal counts stay in the order of their values.
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all.truncate(FREQUENT);
    all.into_iter().map(|(value, count)| Count { value, count, share: count as f64 / total as f64 }).collect()
}

fn classes(label: &Column) -> Vec<Count> {
    let counts = counts(label);
    if counts.len() > CLASSES {
        return Vec::new();
    }
    let total: usize = counts.values().sum();
    let count = |value: String| {
        let count = counts.get(&value).copied().unwrap_or(0);
        Count { value, count, share: count as f64 / total as f64 }
    };
    class_order(label).into_iter().map(count).collect()
}

fn duplicate_rows(table: &Table) -> usize {
    let row = |at| table.columns().iter().map(|it| it.cell(at)).collect::<Vec<_>>();
    let distinct: std::collections::BTreeSet<_> = (0..table.rows()).map(row).collect();
    table.rows() - distinct.len()
}
