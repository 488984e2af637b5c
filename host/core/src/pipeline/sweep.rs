//! Sweeps: one step, many sets of params.

use indexmap::IndexMap;
use rand::{Rng as _, SeedableRng as _, seq::index};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Condition, Selector};

/// The most trials one sweep may have.
pub const MAX_TRIALS: usize = 10_000;

/// How many trials of a sweep run side by side unless it says otherwise.
pub const DEFAULT_PARALLEL: u32 = 4;

/// Many sets of params for one step, and how the best is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// Which sets of params.
    pub space: Space,
    /// Which trial's outputs and results become those of the step; without it the step has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Selector>,
    /// How many trials run side by side.
    pub parallel: u32,
    /// When a trial's results meet this, no later trial counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_when: Option<Condition>,
    /// Of how many of the best trials the outputs are kept.
    pub keep: u32,
}

/// Which sets of params are tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Space {
    /// Every combination; the first param changes fastest.
    Grid(IndexMap<String, Vec<Value>>),
    /// These sets.
    List(Vec<Map<String, Value>>),
    /// Sets drawn at random.
    Random(Random),
}

/// Sets drawn at random, without replacement where there are finitely many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Random {
    /// How many are drawn.
    pub trials: u32,
    /// What the draws derive from; the run's seed when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What each param is drawn from.
    pub params: IndexMap<String, Draw>,
}

/// What a param is drawn from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Draw {
    /// One of these values.
    Choice(Vec<Value>),
    /// A whole number from the first to the second, both included.
    Integer(i64, i64),
    /// A number from the first up to the second, all alike.
    Uniform(f64, f64),
    /// A number from the first up to the second, all magnitudes alike.
    LogUniform(f64, f64),
}

impl Sweep {
    /// The params of every trial, in order. The same seed gives the same trials.
    #[must_use]
    pub fn expand(&self, seed: u64) -> Vec<Map<String, Value>> {
        match &self.space {
            Space::Grid(values) => grid(values),
            Space::List(list) => list.iter().take(MAX_TRIALS).cloned().collect(),
            Space::Random(random) => random.expand(seed),
        }
    }

    /// Every value that is written in it, with the param it is for and where it stands, such as `grid.trees[1]`.
    #[must_use]
    pub fn samples(&self) -> Vec<(&str, &Value, String)> {
        match &self.space {
            Space::Grid(params) => {
                params.iter().flat_map(|(name, values)| listed(name, values, format!("grid.{name}"))).collect()
            }
            Space::List(list) => list
                .iter()
                .enumerate()
                .flat_map(|(at, set)| {
                    set.iter().map(move |(name, value)| (name.as_str(), value, format!("list[{at}].{name}")))
                })
                .collect(),
            Space::Random(random) => random
                .params
                .iter()
                .filter_map(|(name, draw)| if let Draw::Choice(values) = draw { Some((name, values)) } else { None })
                .flat_map(|(name, values)| listed(name, values, format!("random.params.{name}.choice")))
                .collect(),
        }
    }

    /// The names of the params that every trial sets.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        match &self.space {
            Space::Grid(params) => params.keys().map(String::as_str).collect(),
            Space::Random(random) => random.params.keys().map(String::as_str).collect(),
            Space::List(list) => {
                let in_all = |name: &&String| list.iter().all(|set| set.contains_key(*name));
                list.first().into_iter().flat_map(Map::keys).filter(in_all).map(String::as_str).collect()
            }
        }
    }
}

fn listed<'a>(name: &'a str, values: &'a [Value], path: String) -> impl Iterator<Item = (&'a str, &'a Value, String)> {
    values.iter().enumerate().map(move |(at, value)| (name, value, format!("{path}[{at}]")))
}

/// How many combinations a grid has; none when they cannot be counted.
pub(super) fn combinations(sizes: impl IntoIterator<Item = usize>) -> Option<usize> {
    sizes.into_iter().try_fold(1usize, usize::checked_mul)
}

fn grid(params: &IndexMap<String, Vec<Value>>) -> Vec<Map<String, Value>> {
    let all = combinations(params.values().map(Vec::len)).unwrap_or(MAX_TRIALS).min(MAX_TRIALS);
    let pick = |values: &Vec<Value>, at: usize| values.get(at).cloned().unwrap_or_default();
    (0..all).map(|number| decode(number, params, Vec::len, pick)).collect()
}

/// The combination of a number: its digits, where each param is a digit and the first one is the lowest.
fn decode<T>(
    mut number: usize,
    params: &IndexMap<String, T>,
    size: impl Fn(&T) -> usize,
    pick: impl Fn(&T, usize) -> Value,
) -> Map<String, Value> {
    let mut set = Map::new();
    for (name, values) in params {
        let size = size(values).max(1);
        set.insert(name.clone(), pick(values, number % size));
        number /= size;
    }
    set
}

impl Random {
    fn expand(&self, seed: u64) -> Vec<Map<String, Value>> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed.unwrap_or(seed));
        let wanted = usize::try_from(self.trials).unwrap_or(MAX_TRIALS).min(MAX_TRIALS);
        let all = self.params.values().try_fold(1usize, |all, draw| all.checked_mul(draw.size()?));
        // Beyond this many, drawing the same set twice is unlikely and the list of numbers is long.
        match all.filter(|all| u32::try_from(*all).is_ok()) {
            Some(all) => index::sample(&mut random, all, wanted.min(all))
                .into_iter()
                .map(|number| decode(number, &self.params, |draw| draw.size().unwrap_or(1), Draw::nth))
                .collect(),
            None => (0..wanted).map(|_| self.draw(&mut random)).collect(),
        }
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> Map<String, Value> {
        self.params.iter().map(|(name, draw)| (name.clone(), draw.draw(random))).collect()
    }
}

impl Draw {
    /// How many values there are; none for a continuum.
    fn size(&self) -> Option<usize> {
        match self {
            Self::Choice(values) => Some(values.len()),
            Self::Integer(low, high) => usize::try_from(i128::from(*high) - i128::from(*low) + 1).ok(),
            Self::Uniform(..) | Self::LogUniform(..) => None,
        }
    }

    /// One of finitely many values.
    fn nth(&self, at: usize) -> Value {
        match self {
            Self::Choice(values) => values.get(at).cloned().unwrap_or_default(),
            Self::Integer(low, _) => Value::from(low.saturating_add_unsigned(at as u64)),
            Self::Uniform(low, _) | Self::LogUniform(low, _) => Value::from(*low),
        }
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> Value {
        match self {
            Self::Choice(values) if values.is_empty() => Value::Null,
            Self::Choice(values) => self.nth(random.random_range(0..values.len())),
            Self::Integer(low, high) => Value::from(random.random_range(*low..=*high.max(low))),
            Self::Uniform(low, high) => Value::from(between(*low, *high, random)),
            Self::LogUniform(low, high) => {
                Value::from(between(low.ln(), high.ln(), random).exp().clamp(*low, high.max(*low)))
            }
        }
    }
}

/// Not `random_range`, which panics on bounds that are too far apart to subtract.
fn between(low: f64, high: f64, random: &mut ChaCha8Rng) -> f64 {
    let share: f64 = random.random();
    low * (1.0 - share) + high * share
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    fn sweep(space: Value) -> Sweep {
        serde_json::from_value(json!({"space": space, "parallel": 1, "keep": 1})).unwrap()
    }

    fn expand(space: Value, seed: u64) -> Value {
        json!(sweep(space).expand(seed))
    }

    #[test]
    fn in_a_grid_the_first_param_changes_fastest() {
        let expected = json!([
            {"trees": 10, "depth": 4}, {"trees": 50, "depth": 4},
            {"trees": 10, "depth": 8}, {"trees": 50, "depth": 8},
        ]);
        assert_eq!(expand(json!({"grid": {"trees": [10, 50], "depth": [4, 8]}}), 0), expected);
    }

    #[test]
    fn a_list_is_taken_as_it_is() {
        let list = json!([{"algorithm": "forest"}, {"algorithm": "linear", "l2": 0.1}]);
        assert_eq!(expand(json!({"list": list}), 0), list);
    }

    #[test]
    fn random_draws_from_a_finite_space_never_repeat() {
        let space = |trials| json!({"random": {"trials": trials, "params": {"a": {"choice": [1, 2, 3]}, "b": {"integer": [0, 4]}}}});
        let drawn: Vec<_> = sweep(space(10)).expand(7).iter().map(|it| json!(it).to_string()).collect();
        assert_eq!(drawn.len(), 10);
        assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), 10);
        assert_eq!(sweep(space(99)).expand(7).len(), 15, "there are only fifteen");
    }

    #[test]
    fn the_same_seed_draws_the_same_for_ever() {
        let space =
            json!({"random": {"trials": 3, "params": {"a": {"choice": ["x", "y", "z"]}, "b": {"integer": [1, 100]}}}});
        assert_eq!(expand(space.clone(), 1), expand(space.clone(), 1));
        assert_ne!(expand(space.clone(), 1), expand(space.clone(), 2));
        insta::assert_json_snapshot!(expand(space, 1));
    }

    #[test]
    fn a_seed_of_its_own_wins_over_the_runs() {
        let space = json!({"random": {"trials": 3, "seed": 5, "params": {"b": {"uniform": [0.0, 1.0]}}}});
        assert_eq!(expand(space.clone(), 1), expand(space, 2));
    }

    #[test]
    fn draws_stay_within_their_bounds() {
        let space = json!({"random": {"trials": 500, "params": {
            "u": {"uniform": [-1.0, 2.0]}, "l": {"log_uniform": [1e-4, 1e-1]}, "i": {"integer": [-3, 3]},
            "huge": {"uniform": [-1.7e308, 1.7e308]}, "wide": {"integer": [i64::MIN, i64::MAX]},
        }}});
        for set in sweep(space).expand(3) {
            let within = |name: &str, low: f64, high: f64| (low..=high).contains(&set[name].as_f64().unwrap());
            assert!(within("u", -1.0, 2.0) && within("l", 1e-4, 1e-1) && within("i", -3.0, 3.0), "{set:?}");
        }
    }

    #[test]
    fn an_immense_grid_is_cut_and_not_counted_out() {
        let values: Vec<u32> = (0..1_000).collect();
        let grid: Map<String, Value> = (0..20).map(|at| (format!("p{at}"), json!(values))).collect();
        assert_eq!(sweep(json!({"grid": grid})).expand(0).len(), MAX_TRIALS);
    }
}
