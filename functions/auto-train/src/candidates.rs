//! What is tried: a few settings of each family, from careful to bold.

use serde::Deserialize;
use weft_learn::{Algorithm, boosted, forest, linear, training::Material};
use weft_tables::Feature;

/// A family of algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Family {
    /// A logistic or a ridge regression.
    Linear,
    /// A random forest.
    Forest,
    /// Gradient boosted trees.
    Boosted,
}

/// An algorithm with settings, by a name.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) name: String,
    pub(crate) algorithm: Algorithm,
}

/// How much work a candidate may be, and what it is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) trees: usize,
    pub(crate) stages: usize,
    pub(crate) classes: usize,
    pub(crate) seed: u64,
}

/// All candidates of these families; a family named twice is tried once.
pub(crate) fn of(families: &[Family], sizes: Sizes) -> Vec<Candidate> {
    let mut all = Vec::new();
    for (at, family) in families.iter().enumerate() {
        if families[..at].contains(family) {
            continue;
        }
        match family {
            Family::Linear => all.extend([0.1, 1.0, 10.0].map(|l2| sizes.linear(l2))),
            Family::Forest => all.extend([1, 5].map(|leaf| sizes.forest(leaf))),
            Family::Boosted => all.extend([2, 3, 5].map(|depth| sizes.boosted(depth))),
        }
    }
    all
}

impl Sizes {
    fn linear(self, l2: f64) -> Candidate {
        let settings = linear::Settings { l2, max_iterations: 200, classes: self.classes };
        Candidate { name: format!("linear, l2 {l2}"), algorithm: Algorithm::Linear(settings) }
    }

    fn forest(self, min_samples_leaf: usize) -> Candidate {
        let settings = forest::Settings {
            trees: self.trees,
            max_depth: None,
            min_samples_leaf,
            min_samples_split: 2,
            features_per_split: None,
            criterion: forest::Criterion::Gini,
            classes: self.classes,
            seed: self.seed,
        };
        Candidate { name: format!("forest, leaves of {min_samples_leaf}"), algorithm: Algorithm::Forest(settings) }
    }

    fn boosted(self, max_depth: u16) -> Candidate {
        let settings = boosted::Settings {
            stages: self.stages,
            learning_rate: 0.1,
            max_depth,
            min_samples_leaf: 1,
            min_samples_split: 2,
            subsample: 1.0,
            classes: self.classes,
            seed: self.seed,
        };
        Candidate { name: format!("boosted, depth {max_depth}"), algorithm: Algorithm::Boosted(settings) }
    }
}

/// Where nobody prepared the rows: gaps are filled with the mean, and features brought to one spread.
pub(crate) fn to_one_scale(material: &mut Material) {
    for (at, feature) in material.transform.features.iter_mut().enumerate() {
        let present: Vec<f64> =
            material.examples.iter().map(|row| f64::from(row[at])).filter(|it| it.is_finite()).collect();
        let count = present.len().max(1) as f64;
        let mean = present.iter().sum::<f64>() / count;
        let spread = (present.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / count).sqrt();
        let scale = if spread > 0.0 { 1.0 / spread } else { 1.0 };
        *feature = Feature { name: feature.name.clone(), fill: Some(mean), offset: mean, scale };
    }
}
