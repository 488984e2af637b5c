//! The clusters as ONNX: gaps are filled, features are scaled, then the nearest middle decides.

use weft_onnx::{Builder, Error};
use weft_tables::Transform;

use crate::clusters::Clusters;

/// The bytes of the model, which takes raw rows.
///
/// Of two middles the nearer one has the larger `x·c - |c|²/2`, which is a weighted sum: so a linear classifier tells the
/// nearest. Its softmax is how likely each cluster is, were all of them round and of one spread.
pub(crate) fn onnx(transform: &Transform, clusters: &Clusters) -> Result<Vec<u8>, Error> {
    let mut model = Builder::new("k-means", transform.features.len());
    if let Some(fills) = transform.fills() {
        model = model.impute(&fills)?;
    }
    if let Some((offset, scale)) = transform.scaling() {
        model = model.scale(&offset, &scale)?;
    }
    let coefficients: Vec<f32> = clusters.centers.iter().flatten().map(|it| *it as f32).collect();
    let intercepts: Vec<f32> =
        clusters.centers.iter().map(|it| (-0.5 * it.iter().map(|x| x * x).sum::<f64>()) as f32).collect();
    model = model.linear_classifier(&coefficients, &intercepts, &transform.class_labels())?;
    transform.notes().into_iter().fold(model, |model, (key, value)| model.note(key, value)).encode()
}
