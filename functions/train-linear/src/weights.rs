//! Fitted weights: what they answer, how wrong that is, and which features matter.

use weft_tables::{Examples, Target, Transform};

/// A weighted sum of the features per output: a class each, or the one value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weights {
    /// Output by output, a number per feature.
    pub(crate) coefficients: Vec<Vec<f64>>,
    /// A number per output.
    pub(crate) intercepts: Vec<f64>,
}

impl Weights {
    /// The weighted sum for each output.
    pub(crate) fn sums(&self, row: &[f32]) -> Vec<f64> {
        let sum = |(coefficients, intercept): (&Vec<f64>, &f64)| {
            intercept + coefficients.iter().zip(row).map(|(weight, x)| weight * f64::from(*x)).sum::<f64>()
        };
        self.coefficients.iter().zip(&self.intercepts).map(sum).collect()
    }

    /// How likely each class is: the softmax of the sums.
    pub(crate) fn probabilities(&self, row: &[f32]) -> Vec<f64> {
        let sums = self.sums(row);
        let most = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = sums.iter().map(|it| (it - most).exp()).collect();
        let total: f64 = powers.iter().sum();
        powers.into_iter().map(|it| it / total).collect()
    }

    /// The likeliest class, the first where several are.
    pub(crate) fn class(&self, row: &[f32]) -> usize {
        let sums = self.sums(row);
        (1..sums.len()).fold(0, |best, at| if sums[at] > sums[best] { at } else { best })
    }

    /// The mean surprise at the class that is right; NaN for values.
    pub(crate) fn log_loss(&self, examples: &Examples) -> f64 {
        let Target::Classes(classes) = &examples.target else { return f64::NAN };
        let surprise = |(row, class): (&[f32], &usize)| {
            let likely = self.probabilities(row).get(*class).copied().unwrap_or(0.0);
            -likely.max(f64::MIN_POSITIVE).ln()
        };
        examples.iter().zip(classes).map(surprise).sum::<f64>() / classes.len() as f64
    }

    /// The features by how much they move the answer over the rows `seen`, the most first, in shares.
    pub(crate) fn ranked(&self, transform: &Transform, seen: &Examples) -> Vec<(String, f64)> {
        let spread = spread(seen);
        let move_of = |feature: usize| {
            let weight = self.coefficients.iter().filter_map(|it| it.get(feature)).map(|it| it.abs()).sum::<f64>();
            weight * spread.get(feature).copied().unwrap_or(0.0)
        };
        let moves: Vec<f64> = (0..transform.features.len()).map(move_of).collect();
        let total: f64 = moves.iter().sum();
        let share = |it: f64| if total > 0.0 { it / total } else { 0.0 };
        let names = transform.features.iter().map(|it| it.name.clone());
        let mut ranked: Vec<_> = names.zip(moves.into_iter().map(share)).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
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
