//! Fits the transform on the rows that are learned from, and on no other.

use ndarray::{Array1, ArrayView1};
use ndarray_stats::{Quantile1dExt, interpolate::Linear};
use noisy_float::types::n64;
use serde::Deserialize;
use weft_tables::{Feature, Table, Task, Transform};

use crate::clean::{Error, Missing};

/// How features are brought to one scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scale {
    /// To mean 0 and standard deviation 1.
    Standard,
    /// To the range from 0 to 1.
    Minmax,
    /// Not at all.
    None,
}

/// The transform before anything is fitted: label, classes and features.
pub(crate) fn shape(table: &Table, label: &str, task: Task) -> Result<Transform, Error> {
    let shape = Transform::identity(table, label, task)?;
    match shape.classes.len() {
        found @ 0..2 if task == Task::Classification => Err(Error::Classes { label: label.to_owned(), found }),
        _ => Ok(shape),
    }
}

/// Fits fills, offsets and scales on `train`.
pub(crate) fn fit(shape: Transform, train: &Table, missing: Missing, scale: Scale) -> Result<Transform, Error> {
    let fit_one = |feature: Feature| -> Result<Feature, Error> {
        let column = train.column(&feature.name)?;
        let numbers = column.as_numbers().ok_or_else(|| weft_tables::Error::Text(feature.name.clone()))?;
        let present: Array1<f64> = numbers.iter().copied().filter(|it| !it.is_nan()).collect();
        let fill = fill(&present, missing);
        let filled: Array1<f64> =
            numbers.iter().map(|it| if it.is_nan() { fill.unwrap_or(0.0) } else { *it }).collect();
        let (offset, scale) = scaling(filled.view(), scale);
        Ok(Feature { name: feature.name, fill, offset, scale })
    };
    let features = shape.features.into_iter().map(fit_one).collect::<Result<_, _>>()?;
    Ok(Transform { features, ..shape })
}

fn fill(present: &Array1<f64>, missing: Missing) -> Option<f64> {
    match missing {
        Missing::Drop => None,
        // A column with nothing in it says nothing: any constant will do.
        _ if present.is_empty() => Some(0.0),
        Missing::Mean => present.mean(),
        Missing::Median => present.mapv(n64).quantile_mut(n64(0.5), &Linear).ok().map(|it| it.raw()),
    }
}

fn scaling(filled: ArrayView1<'_, f64>, scale: Scale) -> (f64, f64) {
    let inverse = |extent: f64| if extent > 0.0 && extent.is_finite() { 1.0 / extent } else { 1.0 };
    match scale {
        Scale::None => (0.0, 1.0),
        Scale::Standard => (filled.mean().unwrap_or(0.0), inverse(filled.std(0.0))),
        Scale::Minmax => {
            let (min, max) = filled.iter().fold((f64::MAX, f64::MIN), |(min, max), it| (min.min(*it), max.max(*it)));
            (min, inverse(max - min))
        }
    }
}
