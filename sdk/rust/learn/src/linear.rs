//! Linear models: a logistic regression for classes, a ridge regression for values.

mod logistic;
mod ridge;
mod weights;

use weft_tables::{Examples, Target};

pub use self::weights::Weights;

/// How to fit.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How much large weights cost.
    pub l2: f64,
    /// After how many steps the search for the weights of classes ends at the latest.
    pub max_iterations: u64,
    /// How many classes there are; 0 for a regression.
    pub classes: usize,
}

/// Why nothing can be fitted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The search for the weights of classes failed.
    #[error("the weights cannot be fitted: {0}")]
    Logistic(#[from] linfa_logistic::error::Error),
    /// The weights of a value cannot be computed.
    #[error("the weights cannot be fitted: {0}")]
    Ridge(#[from] smartcore::error::Failed),
    /// The rows differ in length.
    #[error("the features are not a table: {0}")]
    Shape(#[from] ndarray::ShapeError),
    /// There is nothing to tell apart.
    #[error("a classification needs rows of two classes or more, and at least one step")]
    Nothing,
}

/// Fits rows without gaps, best of one scale; `progress` sees the weights of classes on the way, with the number of steps
/// taken.
///
/// # Errors
/// When the library finds none.
pub fn fit(examples: &Examples, settings: &Settings, progress: impl FnMut(u64, &Weights)) -> Result<Weights, Error> {
    match &examples.target {
        Target::Classes(classes) => logistic::fit(examples, classes, settings, progress),
        Target::Values(values) => ridge::fit(examples, values, settings.l2),
    }
}

#[cfg(test)]
mod tests;
