//! Linear regression with a price on large weights, by smartcore.

use smartcore::{
    linalg::basic::{arrays::Array, matrix::DenseMatrix},
    linear::ridge_regression::{RidgeRegression, RidgeRegressionParameters, RidgeRegressionSolverName},
};
use weft_tables::Examples;

use super::{Error, Weights};

/// Fits by singular values, which copes with features that repeat one another. The intercept costs nothing.
pub(super) fn fit(examples: &Examples, values: &[f64], l2: f64) -> Result<Weights, Error> {
    let (rows, width) = (examples.rows(), examples.width);
    let mean_of = |feature: usize| examples.iter().map(|row| f64::from(row[feature])).sum::<f64>() / rows as f64;
    let means: Vec<f64> = (0..width).map(mean_of).collect();
    let mean = values.iter().sum::<f64>() / rows as f64;
    let centered =
        examples.iter().flat_map(|row| row.iter().zip(&means).map(|(x, mean)| f64::from(*x) - mean)).collect();
    let features = DenseMatrix::new(rows, width, centered, false)?;
    let targets: Vec<f64> = values.iter().map(|it| it - mean).collect();
    let settings = RidgeRegressionParameters { solver: RidgeRegressionSolverName::SVD, alpha: l2, normalize: false };
    let fitted = RidgeRegression::fit(&features, &targets, settings)?;
    let coefficients: Vec<f64> = (0..width).map(|feature| *fitted.coefficients().get((feature, 0))).collect();
    let intercept = mean - coefficients.iter().zip(&means).map(|(weight, mean)| weight * mean).sum::<f64>();
    Ok(Weights { coefficients: vec![coefficients], intercepts: vec![intercept] })
}
