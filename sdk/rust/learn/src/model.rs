//! What every fitted model can say.

use weft_onnx::Error;
use weft_tables::{Examples, Transform};

/// A fitted model. Rows reach it as its learner saw them.
pub trait Model {
    /// What it computes for a row: how likely each class is, or the one value.
    fn answer(&self, row: &[f32]) -> Vec<f64>;

    /// How much each feature matters over the rows `seen`, in shares.
    fn importances(&self, seen: &Examples) -> Vec<f64>;

    /// The bytes of the model as ONNX, which takes raw rows.
    ///
    /// # Errors
    /// When it does not fit the transform.
    fn onnx(&self, transform: &Transform) -> Result<Vec<u8>, Error>;

    /// How many nodes its trees have; none where it has no trees.
    fn nodes(&self) -> Option<usize> {
        None
    }
}

/// The place of the largest number, the first where several are.
#[must_use]
pub fn likeliest(numbers: &[f64]) -> usize {
    (1..numbers.len()).fold(0, |best, at| if numbers[at] > numbers[best] { at } else { best })
}

/// The features by how much they matter, the most first.
#[must_use]
pub fn ranked(transform: &Transform, importances: &[f64]) -> Vec<(String, f64)> {
    let names = transform.features.iter().map(|it| it.name.clone());
    let mut ranked: Vec<_> = names.zip(importances.iter().copied()).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
}
