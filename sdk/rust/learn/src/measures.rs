//! How good answers are, by rows whose truth is known.

use serde::{Deserialize, Serialize};
use smartcore::metrics;
use weft::{Failure, OrFail as _};
use weft_tables::{Examples, Target, Task};

use crate::model::{Model, likeliest};

/// How good a model is on some rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Measures {
    /// Of classes.
    Classes {
        /// The share that is right.
        accuracy: f64,
        /// F1, every class alike; of those that occur.
        f1: f64,
        /// The mean surprise at what is right.
        log_loss: f64,
    },
    /// Of values.
    Values {
        /// The share of the variance that is explained.
        r2: f64,
        /// The root of the mean square of what it is off by.
        rmse: f64,
        /// The mean of what it is off by.
        mae: f64,
    },
}

/// What the best model is best by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The share of classes that are right.
    Accuracy,
    /// F1, every class alike.
    F1,
    /// The mean surprise at what is right.
    LogLoss,
    /// The share of the variance that is explained.
    R2,
    /// The root of the mean square error.
    Rmse,
    /// The mean error.
    Mae,
}

impl Metric {
    /// What a task is measured by, where nothing else is asked for.
    #[must_use]
    pub fn usual(task: Task) -> Self {
        match task {
            Task::Classification => Self::Accuracy,
            Task::Regression => Self::R2,
        }
    }

    /// The metric `asked` for, or the usual one for `auto`; `who` says, where they do not fit, what `task` comes from, such
    /// as `the label holds`.
    ///
    /// # Errors
    /// When it is none, or measures answers of the other task.
    pub fn asked(asked: &str, task: Task, who: &str) -> Result<Self, Failure> {
        if asked == "auto" {
            return Ok(Self::usual(task));
        }
        let metric: Self = serde_json::from_value(asked.into()).or_invalid("bad-params")?;
        let of_values = matches!(metric, Self::R2 | Self::Rmse | Self::Mae);
        if of_values == (task == Task::Regression) {
            return Ok(metric);
        }
        let (measured, there) = if of_values { ("values", "classes") } else { ("classes", "values") };
        Err(Failure::invalid("bad-params", format!("{asked} measures {measured}, and {who} {there}")))
    }

    /// Whether more of it is better.
    #[must_use]
    pub fn rises(self) -> bool {
        matches!(self, Self::Accuracy | Self::F1 | Self::R2)
    }

    /// Its name on record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::F1 => "f1",
            Self::LogLoss => "log_loss",
            Self::R2 => "r2",
            Self::Rmse => "rmse",
            Self::Mae => "mae",
        }
    }
}

impl Measures {
    /// Measures `model` on `rows`.
    #[must_use]
    pub fn of(model: &dyn Model, rows: &Examples) -> Self {
        let answers: Vec<Vec<f64>> = rows.iter().map(|row| model.answer(row)).collect();
        Self::of_answers(&rows.target, &answers)
    }

    /// Measures answers: how likely each class is, or the one value.
    #[must_use]
    pub fn of_answers(target: &Target, answers: &[Vec<f64>]) -> Self {
        match target {
            Target::Classes(truth) => {
                let found: Vec<usize> = answers.iter().map(|it| likeliest(it)).collect();
                Self::Classes {
                    accuracy: accuracy(truth, &found),
                    f1: f1(truth, &found),
                    log_loss: loss(truth, answers),
                }
            }
            Target::Values(truth) => {
                let found: Vec<f64> = answers.iter().map(|it| it.first().copied().unwrap_or(f64::NAN)).collect();
                Self::Values {
                    r2: metrics::r2(truth, &found),
                    rmse: metrics::mean_squared_error(truth, &found).sqrt(),
                    mae: metrics::mean_absolute_error(truth, &found),
                }
            }
        }
    }

    /// One of them; `None` where the task has no such measure.
    #[must_use]
    pub fn get(&self, metric: Metric) -> Option<f64> {
        self.all().into_iter().find(|(name, _)| *name == metric.name()).map(|(_, value)| value)
    }

    /// All of them by name.
    #[must_use]
    pub fn all(&self) -> [(&'static str, f64); 3] {
        match *self {
            Self::Classes { accuracy, f1, log_loss } => [("accuracy", accuracy), ("f1", f1), ("log_loss", log_loss)],
            Self::Values { r2, rmse, mae } => [("r2", r2), ("rmse", rmse), ("mae", mae)],
        }
    }
}

fn accuracy(truth: &[usize], found: &[usize]) -> f64 {
    truth.iter().zip(found).filter(|(truth, found)| truth == found).count() as f64 / truth.len() as f64
}

/// The mean over the classes that occur, in truth or among what was found.
fn f1(truth: &[usize], found: &[usize]) -> f64 {
    let classes = truth.iter().chain(found).copied().max().map_or(0, |it| it + 1);
    let count = |of: &[usize], class| of.iter().filter(|it| **it == class).count();
    let of_class = |class| {
        let right = truth.iter().zip(found).filter(|(truth, found)| **truth == class && **found == class).count();
        let all = count(truth, class) + count(found, class);
        (all > 0).then(|| 2.0 * right as f64 / all as f64)
    };
    let all: Vec<f64> = (0..classes).filter_map(of_class).collect();
    all.iter().sum::<f64>() / all.len() as f64
}

/// As scikit-learn clips it.
fn loss(truth: &[usize], answers: &[Vec<f64>]) -> f64 {
    let surprise = |(truth, likely): (&usize, &Vec<f64>)| {
        let right = likely.get(*truth).copied().unwrap_or(0.0) / likely.iter().sum::<f64>();
        -right.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
    };
    truth.iter().zip(answers).map(surprise).sum::<f64>() / truth.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_is_the_mean_over_the_classes_that_occur() {
        assert!((f1(&[0, 0, 2, 2], &[0, 2, 2, 2]) - f64::midpoint(2.0 / 3.0, 0.8)).abs() < 1e-12);
        assert_eq!(accuracy(&[0, 0, 2, 2], &[0, 2, 2, 2]), 0.75);
    }

    #[test]
    fn a_measure_is_found_by_its_name() {
        let measures = Measures::Values { r2: 0.5, rmse: 2.0, mae: 1.0 };
        assert_eq!((measures.get(Metric::Rmse), measures.get(Metric::Accuracy)), (Some(2.0), None));
        assert!(Metric::R2.rises() && !Metric::Mae.rises());
    }
}
