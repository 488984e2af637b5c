//! Logistic regression over any number of classes, by linfa.

use linfa::{Dataset, traits::Fit};
use linfa_logistic::MultiLogisticRegression;
use ndarray::{Array1, Array2, Axis, concatenate};
use weft_tables::Examples;

use super::{Error, Settings, Weights};

/// How many steps are taken between two looks at the loss.
const STEPS: u64 = 10;
/// The search ends where the loss changes by less than this share.
const SETTLED: f64 = 1e-7;

/// Fits in f64: in f32 the search stops where it began. `progress` sees the weights every few steps.
///
/// The library tells nothing of its way, so it is asked for a few steps at a time, each beginning where the last ended.
pub(super) fn fit(
    examples: &Examples,
    classes: &[usize],
    settings: &Settings,
    mut progress: impl FnMut(u64, &Weights),
) -> Result<Weights, Error> {
    if settings.classes < 2 {
        return Err(Error::Nothing);
    }
    let features: Vec<f64> = examples.features.iter().map(|it| f64::from(*it)).collect();
    let features = Array2::from_shape_vec((examples.rows(), examples.width), features)?;
    let data = Dataset::new(features, Array1::from(classes.to_vec()));
    let (mut best, mut steps, mut loss): (Option<Array2<f64>>, u64, f64) = (None, 0, f64::INFINITY);
    while steps < settings.max_iterations {
        let some = STEPS.min(settings.max_iterations - steps);
        let mut search =
            MultiLogisticRegression::default().alpha(settings.l2).max_iterations(some).gradient_tolerance(1e-6);
        if let Some(start) = &best {
            search = search.initial_params(start.clone());
        }
        let fitted = match search.fit(&data) {
            Ok(fitted) => fitted,
            // Where no step leads further down, the search has arrived.
            Err(_) if best.is_some() => break,
            Err(error) => return Err(error.into()),
        };
        let all = concatenate(Axis(0), &[fitted.params().view(), fitted.intercept().view().insert_axis(Axis(0))])?;
        steps += some;
        let weights = weights(&all, examples.width);
        progress(steps, &weights);
        let now = weights.log_loss(examples) + settings.l2 * penalty(&weights) / examples.rows() as f64;
        let is_settled = (loss - now).abs() <= SETTLED * now.abs();
        (best, loss) = (Some(all), now);
        if is_settled {
            break;
        }
    }
    let weights = weights(&best.ok_or(Error::Nothing)?, examples.width);
    // A class that no row has would shift all others by one.
    if weights.intercepts.len() == settings.classes { Ok(weights) } else { Err(Error::Nothing) }
}

fn penalty(weights: &Weights) -> f64 {
    0.5 * weights.coefficients.iter().flatten().map(|it| it * it).sum::<f64>()
}

/// The library keeps a column per class, the intercept in the last row.
fn weights(all: &Array2<f64>, width: usize) -> Weights {
    let coefficients = all.columns().into_iter().map(|column| column.iter().take(width).copied().collect()).collect();
    Weights { coefficients, intercepts: all.row(width).to_vec() }
}
