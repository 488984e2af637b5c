//! Choosing among trials: `max.accuracy`, `min.loss`.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::condition::number;

/// Which trial of a sweep is the best.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selector {
    /// Whether more or less of it is better.
    pub goal: Goal,
    /// The result that decides.
    pub metric: String,
}

/// Whether more or less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goal {
    /// More is better.
    Max,
    /// Less is better.
    Min,
}

/// A trial that is done.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// Its place in the sweep, counted from 0.
    pub number: u32,
    /// What it gave.
    pub results: &'a Map<String, Value>,
}

/// A text that is not a selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a selector: write max.METRIC or min.METRIC, such as max.accuracy")]
pub struct InvalidSelector(pub String);

impl Selector {
    /// The best trial's number. A missing metric and NaN never win; among equals the lowest number does.
    #[must_use]
    pub fn best(&self, trials: &[Trial<'_>]) -> Option<u32> {
        self.top(trials, 1).first().copied()
    }

    /// The numbers of the `n` best trials, best first.
    #[must_use]
    pub fn top(&self, trials: &[Trial<'_>], n: usize) -> Vec<u32> {
        let mut scored: Vec<(f64, u32)> =
            trials.iter().filter_map(|trial| Some((self.score(trial)?, trial.number))).collect();
        scored.sort_by(|(left, left_number), (right, right_number)| {
            right.partial_cmp(left).unwrap_or(Ordering::Equal).then(left_number.cmp(right_number))
        });
        scored.into_iter().take(n).map(|(_, number)| number).collect()
    }

    /// How good a trial is: more is better, whatever the goal.
    fn score(&self, trial: &Trial<'_>) -> Option<f64> {
        let value = number(trial.results.get(&self.metric)?).filter(|value| !value.is_nan())?;
        Some(if self.goal == Goal::Max { value } else { -value })
    }
}

impl FromStr for Selector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let goal = match text.split_once('.') {
            Some(("max", metric)) if !metric.is_empty() => Some((Goal::Max, metric)),
            Some(("min", metric)) if !metric.is_empty() => Some((Goal::Min, metric)),
            _ => None,
        };
        let (goal, metric) = goal.ok_or_else(|| InvalidSelector(text.to_owned()))?;
        Ok(Self { goal, metric: metric.to_owned() })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let goal = if self.goal == Goal::Max { "max" } else { "min" };
        write!(f, "{goal}.{}", self.metric)
    }
}

impl TryFrom<String> for Selector {
    type Error = InvalidSelector;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        selector.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn top(selector: &str, values: Value, n: usize) -> Vec<u32> {
        let results: Vec<_> =
            values.as_array().unwrap().iter().map(|it| Map::from_iter([("m".to_owned(), it.clone())])).collect();
        let trials: Vec<_> = (0..).zip(&results).map(|(number, results)| Trial { number, results }).collect();
        selector.parse::<Selector>().unwrap().top(&trials, n)
    }

    #[test]
    fn the_best_is_right_for_negatives() {
        assert_eq!(top("max.m", json!([-3, -1, -2]), 1), [1]);
        assert_eq!(top("min.m", json!([-3, -1, -2]), 1), [0]);
        assert_eq!(top("min.m", json!([0.5, -0.5]), 1), [1]);
    }

    #[test]
    fn a_tie_goes_to_the_lowest_number() {
        assert_eq!(top("max.m", json!([1, 2, 2, 2.0]), 1), [1]);
        assert_eq!(top("min.m", json!([0.0, -0.0, 0]), 1), [0]);
    }

    #[test]
    fn nan_and_what_is_missing_never_win() {
        assert_eq!(top("max.m", json!([null, "NaN", "x", -9]), 4), [3]);
        assert_eq!(top("min.m", json!(["NaN", null]), 1), [] as [u32; 0]);
        assert_eq!(top("max.m", json!([1, "Infinity"]), 1), [1]);
    }

    #[test]
    fn the_top_comes_best_first() {
        assert_eq!(top("max.m", json!([1, 4, 2, 4, 3]), 3), [1, 3, 4]);
        assert_eq!(top("max.m", json!([1, 2]), 5), [1, 0]);
    }

    #[test]
    fn a_selector_names_a_goal_and_a_metric() {
        assert_eq!("max.val.acc".parse::<Selector>().unwrap().metric, "val.acc");
        for text in ["accuracy", "best.accuracy", "max.", "max", ""] {
            assert!(text.parse::<Selector>().is_err(), "{text}");
        }
    }
}
