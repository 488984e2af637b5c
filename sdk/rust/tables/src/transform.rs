//! The fitted transform that travels with a model: how raw features become what it learned from.

use serde::{Deserialize, Serialize};

use crate::{Column, Error, Table, Type};

/// What was fitted on the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    /// What is learned.
    pub task: Task,
    /// The column to predict.
    pub label: String,
    /// The classes in order; empty for a regression.
    #[serde(default)]
    pub classes: Vec<String>,
    /// The features in order.
    pub features: Vec<Feature>,
}

/// What kind of answer a model gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// One of several classes.
    Classification,
    /// A number.
    Regression,
}

/// How one feature is treated: fill, then `(x - offset) * scale`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// The column.
    pub name: String,
    /// What stands for a missing value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<f64>,
    /// What is subtracted.
    #[serde(default)]
    pub offset: f64,
    /// What is then multiplied by.
    #[serde(default = "one")]
    pub scale: f64,
}

/// A feature that stays as it is.
pub(crate) fn plain(name: String) -> Feature {
    Feature { name, fill: None, offset: 0.0, scale: 1.0 }
}

fn one() -> f64 {
    1.0
}

impl Transform {
    /// The transform that changes nothing: every column of numbers but `label` is a feature.
    ///
    /// # Errors
    /// When there is no column `label`, or no other that holds numbers.
    pub fn identity(table: &Table, label: &str, task: Task) -> Result<Self, Error> {
        let target = table.column(label)?;
        let is_feature = |column: &&Column| column.name != label && column.as_numbers().is_some();
        let features: Vec<_> = table.columns().iter().filter(is_feature).map(|it| plain(it.name.clone())).collect();
        if features.is_empty() {
            return Err(Error::NoFeatures(label.to_owned()));
        }
        let classes = match task {
            Task::Classification => class_order(target),
            Task::Regression => Vec::new(),
        };
        Ok(Self { task, label: label.to_owned(), classes, features })
    }

    /// [`Transform::identity`] for tables that nobody prepared: `asked` (or the last column) is a quantity where it holds
    /// fractions, a class otherwise.
    ///
    /// # Errors
    /// As [`Transform::identity`].
    pub fn guess(table: &Table, asked: &str) -> Result<Self, Error> {
        let label = table.label(asked)?;
        let task = if label.kind() == Type::Number { Task::Regression } else { Task::Classification };
        Self::identity(table, &label.name, task)
    }

    /// The number that stands for each class in a model's answer: the class itself where all are whole numbers,
    /// its place in `classes` otherwise.
    #[must_use]
    pub fn class_labels(&self) -> Vec<i64> {
        let numbers: Option<Vec<i64>> = self.classes.iter().map(|it| it.parse().ok()).collect();
        numbers.unwrap_or_else(|| (0_i64..).take(self.classes.len()).collect())
    }

    /// This transform with only the classes that occur in `table`: a class without a row cannot be learned.
    ///
    /// # Errors
    /// When there is no column for the label.
    pub fn with_classes_of(&self, table: &Table) -> Result<Self, Error> {
        if self.task == Task::Regression {
            return Ok(self.clone());
        }
        let present = class_order(table.column(&self.label)?);
        let classes = self.classes.iter().filter(|it| present.contains(it)).cloned().collect();
        Ok(Self { classes, ..self.clone() })
    }

    /// The fills, where every feature has one that could be needed; 0 stands for those that have none.
    #[must_use]
    pub fn fills(&self) -> Option<Vec<f32>> {
        let fill = |feature: &Feature| feature.fill.unwrap_or(0.0) as f32;
        self.features.iter().any(|it| it.fill.is_some()).then(|| self.features.iter().map(fill).collect())
    }

    /// Offsets and scales; `None` where they change nothing.
    #[must_use]
    pub fn scaling(&self) -> Option<(Vec<f32>, Vec<f32>)> {
        let changes = |feature: &Feature| feature.offset != 0.0 || feature.scale != 1.0;
        self.features
            .iter()
            .any(changes)
            .then(|| self.features.iter().map(|it| (it.offset as f32, it.scale as f32)).unzip())
    }

    /// A raw row with its gaps filled.
    #[must_use]
    pub fn fill(&self, row: &[f32]) -> Vec<f32> {
        let fill =
            |(feature, x): (&Feature, &f32)| if x.is_nan() { feature.fill.map_or(*x, |it| it as f32) } else { *x };
        self.features.iter().zip(row).map(fill).collect()
    }

    /// What a model gets to see of a raw row, computed as an exported model computes it.
    #[must_use]
    pub fn apply(&self, row: &[f32]) -> Vec<f32> {
        let scale = |(feature, x): (&Feature, f32)| (x - feature.offset as f32) * feature.scale as f32;
        self.features.iter().zip(self.fill(row)).map(scale).collect()
    }
}

/// The distinct labels of a column: by number where all are numbers, by letter otherwise.
#[must_use]
pub fn class_order(column: &Column) -> Vec<String> {
    let mut classes: Vec<String> = (0..column.len()).filter_map(|row| column.cell(row)).map(Into::into).collect();
    classes.sort_unstable();
    classes.dedup();
    let number = |class: &String| class.parse::<f64>().ok();
    if classes.iter().all(|it| number(it).is_some()) {
        classes.sort_by(|a, b| f64::total_cmp(&number(a).unwrap_or(0.0), &number(b).unwrap_or(0.0)));
    }
    classes
}
