//! The forest as ONNX: gaps are filled, then the trees decide.

use weft_onnx::{Builder, Error, Tree};
use weft_tables::{Task, Transform};

/// The bytes of the model, which takes raw rows.
pub(crate) fn onnx(transform: &Transform, trees: &[Tree]) -> Result<Vec<u8>, Error> {
    let mut model = Builder::new("random-forest", transform.features.len());
    if let Some(fills) = transform.fills() {
        model = model.impute(&fills)?;
    }
    model = match transform.task {
        Task::Classification => model.tree_classifier(trees, &transform.class_labels())?,
        Task::Regression => model.tree_regressor(trees)?,
    };
    transform.notes().into_iter().fold(model, |model, (key, value)| model.note(key, value)).encode()
}
