//! A layer of weighted sums: rows times weights, plus intercepts.

use tract_onnx::tract_hir::internal::*;

/// How many partial sums run side by side, so that the compiler can use vector registers.
const LANES: usize = 8;

/// The weights of every target, one row of weights per target.
#[derive(Debug, Clone)]
pub(super) struct Dense {
    weights: Vec<f64>,
    intercepts: Vec<f64>,
    columns: usize,
}

impl Dense {
    /// Refuses weights that do not share out evenly among the targets. No intercepts means zeros.
    pub(super) fn new(weights: &[f32], intercepts: &[f32], targets: usize) -> TractResult<Self> {
        ensure!(targets > 0, "it has no target");
        ensure!(
            !weights.is_empty() && weights.len().is_multiple_of(targets),
            "`coefficients` has {} elements, which do not share out among {targets} targets",
            weights.len()
        );
        ensure!(
            intercepts.is_empty() || intercepts.len() == targets,
            "`intercepts` has {} elements for {targets} targets",
            intercepts.len()
        );
        let mut intercepts: Vec<f64> = intercepts.iter().copied().map(f64::from).collect();
        intercepts.resize(targets, 0.0);
        let columns = weights.len() / targets;
        Ok(Self { weights: weights.iter().copied().map(f64::from).collect(), intercepts, columns })
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn targets(&self) -> usize {
        self.intercepts.len()
    }

    /// The sums of every row, in `f64`: the error that is left is the rounding of the result.
    pub(super) fn sums(&self, elements: &[f32], columns: usize) -> TractResult<Vec<f32>> {
        ensure!(columns == self.columns, "takes {} columns, got {columns}", self.columns);
        let rows = elements.chunks_exact(columns);
        Ok(rows
            .flat_map(|row| {
                self.weights
                    .chunks_exact(columns)
                    .zip(&self.intercepts)
                    .map(|(weights, intercept)| sum(row, weights, *intercept))
            })
            .collect())
    }
}

#[expect(clippy::cast_possible_truncation, reason = "scores are single precision")]
fn sum(row: &[f32], weights: &[f64], intercept: f64) -> f32 {
    let mut lanes = [0.0; LANES];
    let (row_chunks, row_rest) = row.as_chunks::<LANES>();
    let (weight_chunks, weight_rest) = weights.as_chunks::<LANES>();
    for (xs, ws) in row_chunks.iter().zip(weight_chunks) {
        for lane in 0..LANES {
            lanes[lane] += f64::from(xs[lane]) * ws[lane];
        }
    }
    let rest: f64 = row_rest.iter().zip(weight_rest).map(|(x, w)| f64::from(*x) * w).sum();
    (intercept + rest + lanes.iter().sum::<f64>()) as f32
}
