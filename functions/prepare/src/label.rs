//! The label: which classes there are, or whether it is a quantity.

use std::collections::BTreeMap;

use serde::Deserialize;
use weft_tables::{Column, Task, Type, Values, class_order};

use crate::clean::Error;

/// A column of whole numbers with more distinct values than this is a quantity.
const MOST_CLASSES: usize = 30;

/// Which task the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TaskChoice {
    /// Classes where the label is text, true or false, or few whole numbers.
    Auto,
    /// One of several classes.
    Classification,
    /// A number.
    Regression,
}

impl TaskChoice {
    /// The task for this label.
    pub(crate) fn of(self, label: &Column) -> Task {
        match (self, label.kind()) {
            (Self::Classification, _) | (Self::Auto, Type::Text | Type::Boolean) => Task::Classification,
            (Self::Auto, Type::Integer) if class_order(label).len() <= MOST_CLASSES => Task::Classification,
            (Self::Regression | Self::Auto, _) => Task::Regression,
        }
    }
}

/// How labels become other labels.
pub(crate) struct Labelling<'a> {
    pub(crate) bins: &'a [f64],
    pub(crate) bin_names: &'a [String],
    pub(crate) map: &'a BTreeMap<String, String>,
}

impl Labelling<'_> {
    /// The column with its new labels.
    pub(crate) fn apply(&self, column: &Column) -> Result<Column, Error> {
        let binned = if self.bins.is_empty() { column.clone() } else { self.binned(column)? };
        if self.map.is_empty() {
            return Ok(binned);
        }
        let renamed = |row| {
            let cell = binned.cell(row)?;
            Some(self.map.get(cell.as_ref()).cloned().unwrap_or_else(|| cell.into_owned()))
        };
        Ok(Column::text(&column.name, (0..binned.len()).map(renamed).collect()))
    }

    /// Where a class comes among the others, for classes that were cut from numbers: from low to high.
    pub(crate) fn place(&self, class: &str) -> usize {
        let name = |bin: usize| self.bin_names.get(bin).cloned().unwrap_or_else(|| bin.to_string());
        let renamed = |name: String| self.map.get(&name).cloned().unwrap_or(name);
        (0..=self.bins.len()).position(|bin| renamed(name(bin)) == class).unwrap_or(usize::MAX)
    }

    fn binned(&self, column: &Column) -> Result<Column, Error> {
        if !self.bins.is_sorted_by(|a, b| a < b) {
            return Err(Error::Bins("must ascend"));
        }
        if !self.bin_names.is_empty() && self.bin_names.len() != self.bins.len() + 1 {
            return Err(Error::Bins("need one name more than there are cuts"));
        }
        let Values::Number(numbers) = &column.values else { return Err(Error::Bins("need a label of numbers")) };
        let class = |number: &f64| {
            // A value at a cut belongs above it.
            let bin = self.bins.partition_point(|cut| cut <= number);
            (!number.is_nan()).then(|| self.bin_names.get(bin).cloned().unwrap_or_else(|| bin.to_string()))
        };
        Ok(Column::text(&column.name, numbers.iter().map(class).collect()))
    }
}
