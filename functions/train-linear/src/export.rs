//! The weights as ONNX: gaps are filled, features are scaled, then the weighted sums decide.

use weft_onnx::{Builder, Error};
use weft_tables::{Task, Transform};

use crate::weights::Weights;

/// The bytes of the model, which takes raw rows.
pub(crate) fn onnx(transform: &Transform, weights: &Weights) -> Result<Vec<u8>, Error> {
    let mut model = Builder::new("linear", transform.features.len());
    if let Some(fills) = transform.fills() {
        model = model.impute(&fills)?;
    }
    if let Some((offset, scale)) = transform.scaling() {
        model = model.scale(&offset, &scale)?;
    }
    let coefficients: Vec<f32> = weights.coefficients.iter().flatten().map(|it| *it as f32).collect();
    let intercepts: Vec<f32> = weights.intercepts.iter().map(|it| *it as f32).collect();
    model = match transform.task {
        Task::Classification => model.linear_classifier(&coefficients, &intercepts, &transform.class_labels())?,
        Task::Regression => model.linear_regressor(&coefficients, intercepts.first().copied().unwrap_or(0.0))?,
    };
    transform.notes().into_iter().fold(model, |model, (key, value)| model.note(key, value)).encode()
}
