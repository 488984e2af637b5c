//! A learner with its settings, chosen while a job runs.

use serde_json::{Value, json};
use weft::Failure;
use weft_tables::{Examples, Task};

use crate::{Model, boosted, forest, linear, training::Material};

/// A learner with its settings.
#[derive(Debug, Clone, Copy)]
pub enum Algorithm {
    /// A logistic or a ridge regression.
    Linear(linear::Settings),
    /// A random forest.
    Forest(forest::Settings),
    /// Gradient boosted trees.
    Boosted(boosted::Settings),
}

/// Why a learner has nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum CannotFit {
    /// Of linear models.
    #[error(transparent)]
    Linear(#[from] linear::Error),
    /// Of forests.
    #[error(transparent)]
    Forest(#[from] forest::Error),
    /// Of boosted trees.
    #[error(transparent)]
    Boosted(#[from] boosted::Error),
}

impl Algorithm {
    /// What a model of it calls itself.
    #[must_use]
    pub fn title(&self, task: Task) -> &'static str {
        match (self, task) {
            (Self::Linear(_), Task::Classification) => "logistic regression",
            (Self::Linear(_), Task::Regression) => "ridge regression",
            (Self::Forest(_), _) => "random forest",
            (Self::Boosted(_), _) => "boosted trees",
        }
    }

    /// Its settings, as a model tells them.
    #[must_use]
    pub fn params(&self) -> Value {
        match self {
            Self::Linear(it) => json!({ "l2": it.l2 }),
            Self::Forest(it) => json!({
                "trees": it.trees, "max_depth": it.max_depth.unwrap_or(0), "min_samples_leaf": it.min_samples_leaf,
            }),
            Self::Boosted(it) => json!({
                "stages": it.stages, "learning_rate": it.learning_rate, "max_depth": it.max_depth,
                "min_samples_leaf": it.min_samples_leaf, "subsample": it.subsample,
            }),
        }
    }

    /// The rows as it wants to see them: trees need no scale.
    ///
    /// # Errors
    /// As `gap`, where one is left.
    pub fn view(&self, material: &Material) -> Result<Examples, Failure> {
        match self {
            Self::Linear(_) => material.scaled(),
            Self::Forest(_) | Self::Boosted(_) => material.filled(),
        }
    }

    /// Fits rows that it wanted to see like that.
    ///
    /// # Errors
    /// When it has nothing to show.
    pub fn fit(&self, examples: &Examples) -> Result<Box<dyn Model>, CannotFit> {
        Ok(match self {
            Self::Linear(settings) => Box::new(linear::fit(examples, settings, |_, _| ())?),
            Self::Forest(settings) => Box::new(forest::fit(examples, settings, |_| ())?),
            Self::Boosted(settings) => Box::new(boosted::fit(examples, settings, |_| ())?),
        })
    }
}
