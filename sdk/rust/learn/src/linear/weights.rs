//! Fitted weights: what they answer, how wrong that is, and which features matter.

use weft_onnx::Builder;
use weft_tables::{Examples, Target, Task, Transform};

use crate::Model;

/// A weighted sum of the features per output: a class each, or the one value.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Output by output, a number per feature.
    pub coefficients: Vec<Vec<f64>>,
    /// A number per output.
    pub intercepts: Vec<f64>,
}

impl Weights {
    /// Whether it tells classes apart; a value has one sum.
    #[must_use]
    pub fn is_classifier(&self) -> bool {
        self.coefficients.len() > 1
    }

    /// The weighted sum for each output.
    #[must_use]
    pub fn sums(&self, row: &[f32]) -> Vec<f64> {
        let sum = |(coefficients, intercept): (&Vec<f64>, &f64)| {
            intercept + coefficients.iter().zip(row).map(|(weight, x)| weight * f64::from(*x)).sum::<f64>()
        };
        self.coefficients.iter().zip(&self.intercepts).map(sum).collect()
    }

    /// How likely each class is: the softmax of the sums.
    #[must_use]
    pub fn probabilities(&self, row: &[f32]) -> Vec<f64> {
        let sums = self.sums(row);
        let most = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = sums.iter().map(|it| (it - most).exp()).collect();
        let total: f64 = powers.iter().sum();
        powers.into_iter().map(|it| it / total).collect()
    }

    /// The mean surprise at the class that is right; NaN for values.
    #[must_use]
    pub fn log_loss(&self, examples: &Examples) -> f64 {
        let Target::Classes(classes) = &examples.target else { return f64::NAN };
        let surprise = |(row, class): (&[f32], &usize)| {
            let likely = self.probabilities(row).get(*class).copied().unwrap_or(0.0);
            -likely.max(f64::MIN_POSITIVE).ln()
        };
        examples.iter().zip(classes).map(surprise).sum::<f64>() / classes.len() as f64
    }
}

impl Model for Weights {
    fn answer(&self, row: &[f32]) -> Vec<f64> {
        if self.is_classifier() { self.probabilities(row) } else { self.sums(row) }
    }

    /// How much each feature moves the answer.
    fn importances(&self, seen: &Examples) -> Vec<f64> {
        let spread = spread(seen);
        let move_of = |feature: usize| {
            let weight = self.coefficients.iter().filter_map(|it| it.get(feature)).map(|it| it.abs()).sum::<f64>();
            weight * spread.get(feature).copied().unwrap_or(0.0)
        };
        let moves: Vec<f64> = (0..seen.width).map(move_of).collect();
        let total: f64 = moves.iter().sum();
        moves.into_iter().map(|it| if total > 0.0 { it / total } else { 0.0 }).collect()
    }

    /// Gaps are filled, features are scaled, then the weighted sums decide.
    fn onnx(&self, transform: &Transform) -> Result<Vec<u8>, weft_onnx::Error> {
        let mut model = Builder::new("linear", transform.features.len());
        if let Some(fills) = transform.fills() {
            model = model.impute(&fills)?;
        }
        if let Some((offset, scale)) = transform.scaling() {
            model = model.scale(&offset, &scale)?;
        }
        let coefficients: Vec<f32> = self.coefficients.iter().flatten().map(|it| *it as f32).collect();
        let intercepts: Vec<f32> = self.intercepts.iter().map(|it| *it as f32).collect();
        model = match transform.task {
            Task::Classification => model.linear_classifier(&coefficients, &intercepts, &transform.class_labels())?,
            Task::Regression => model.linear_regressor(&coefficients, intercepts.first().copied().unwrap_or(0.0))?,
        };
        transform.notes().into_iter().fold(model, |model, (key, value)| model.note(key, value)).encode()
    }
}

/// The standard deviation of each feature.
fn spread(examples: &Examples) -> Vec<f64> {
    let rows = examples.rows().max(1) as f64;
    let column = |feature: usize| examples.iter().map(move |row| f64::from(row[feature]));
    let deviation = |feature: usize| {
        let mean = column(feature).sum::<f64>() / rows;
        (column(feature).map(|it| (it - mean).powi(2)).sum::<f64>() / rows).sqrt()
    };
    (0..examples.width).map(deviation).collect()
}
