//! What a learner takes: features as numbers, row by row, and what they should lead to.

use std::collections::BTreeMap;

use crate::{Column, Error, Table, Task, Transform};

/// Rows to learn from or to be tested on.
#[derive(Debug, Clone, PartialEq)]
pub struct Examples {
    /// The raw features, row by row; NaN is missing.
    pub features: Vec<f32>,
    /// How many features a row has.
    pub width: usize,
    /// What each row should lead to.
    pub target: Target,
}

/// What rows should lead to.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A class each, by its place among the transform's classes.
    Classes(Vec<usize>),
    /// A number each.
    Values(Vec<f64>),
}

impl Target {
    fn pick(&self, rows: &[usize]) -> Self {
        match self {
            Self::Classes(all) => Self::Classes(rows.iter().filter_map(|&row| all.get(row).copied()).collect()),
            Self::Values(all) => Self::Values(rows.iter().filter_map(|&row| all.get(row).copied()).collect()),
        }
    }
}

impl Examples {
    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        match &self.target {
            Target::Classes(all) => all.len(),
            Target::Values(all) => all.len(),
        }
    }

    /// The features row by row.
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.features.chunks_exact(self.width.max(1))
    }

    /// The rows `rows`, in that order.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        let row = |row: &usize| self.features.get(row * self.width..(row + 1) * self.width).unwrap_or_default();
        Self {
            features: rows.iter().flat_map(row).copied().collect(),
            width: self.width,
            target: self.target.pick(rows),
        }
    }

    /// The rows as `of` makes them, such as [`Transform::fill`] or [`Transform::apply`].
    #[must_use]
    pub fn map(&self, of: impl Fn(&[f32]) -> Vec<f32>) -> Self {
        Self { features: self.iter().flat_map(of).collect(), width: self.width, target: self.target.clone() }
    }

    /// The first row, counted from 1, with a value that is missing or beyond what `f32` can hold.
    #[must_use]
    pub fn gap(&self) -> Option<usize> {
        self.iter().position(|row| row.iter().any(|it| !it.is_finite())).map(|row| row + 1)
    }

    /// The stratum of each row for [`split`](crate::split()): its class, or one for all.
    #[must_use]
    pub fn strata(&self) -> Vec<usize> {
        match &self.target {
            Target::Classes(all) => all.clone(),
            Target::Values(all) => vec![0; all.len()],
        }
    }
}

impl Transform {
    /// Takes the features and the label out of `table`.
    ///
    /// # Errors
    /// When a column is missing or holds text, a label is missing or unknown, or there are no rows.
    pub fn examples(&self, table: &Table) -> Result<Examples, Error> {
        if table.rows() == 0 {
            return Err(Error::NoRows);
        }
        let label = table.column(&self.label)?;
        let target = match self.task {
            Task::Classification => Target::Classes(self.classes_of(label)?),
            Task::Regression => Target::Values(values_of(label)?),
        };
        Ok(Examples { features: self.raw(table)?, width: self.features.len(), target })
    }

    /// The raw features of `table`, row by row; NaN is missing.
    ///
    /// # Errors
    /// When a column is missing or holds text.
    pub fn raw(&self, table: &Table) -> Result<Vec<f32>, Error> {
        let mut raw = vec![0.0; table.rows() * self.features.len()];
        for (at, feature) in self.features.iter().enumerate() {
            let column = table.column(&feature.name)?;
            let numbers = column.as_numbers().ok_or_else(|| Error::Text(column.name.clone()))?;
            for (row, number) in raw.chunks_exact_mut(self.features.len()).zip(numbers.iter()) {
                row[at] = *number as f32;
            }
        }
        Ok(raw)
    }

    fn classes_of(&self, label: &Column) -> Result<Vec<usize>, Error> {
        let places: BTreeMap<&str, usize> = self.classes.iter().enumerate().map(|(at, it)| (it.as_str(), at)).collect();
        let class = |row| {
            let cell = label.cell(row).ok_or_else(|| Error::NoLabel { row: row + 1, column: label.name.clone() })?;
            places.get(cell.as_ref()).copied().ok_or_else(|| Error::Class {
                row: row + 1,
                column: label.name.clone(),
                label: cell.into_owned(),
                classes: self.classes.join(", "),
            })
        };
        (0..label.len()).map(class).collect()
    }
}

fn values_of(label: &Column) -> Result<Vec<f64>, Error> {
    let numbers = label.as_numbers().ok_or_else(|| Error::Text(label.name.clone()))?;
    if let Some(row) = numbers.iter().position(|it| it.is_nan()) {
        return Err(Error::NoLabel { row: row + 1, column: label.name.clone() });
    }
    Ok(numbers.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Feature;

    fn wines() -> Table {
        Table::from_csv(b"alcohol,organic,quality\n9.5,true,5\n,false,10\n11,true,5\n").unwrap()
    }

    #[test]
    fn numeric_classes_are_ordered_by_number_and_keep_it_as_their_label() {
        let transform = Transform::identity(&wines(), "quality", Task::Classification).unwrap();
        assert_eq!(transform.classes, ["5", "10"]);
        assert_eq!(transform.class_labels(), [5, 10]);
        let examples = transform.examples(&wines()).unwrap();
        assert_eq!(examples.target, Target::Classes(vec![0, 1, 0]));
        assert_eq!(examples.features[..2], [9.5, 1.0]);
        assert!(examples.features[2].is_nan());
        assert_eq!(examples.pick(&[2]).features, [11.0, 1.0]);
    }

    #[test]
    fn named_classes_are_labelled_by_their_place() {
        let table = Table::from_csv(b"x,y\n1,setosa\n2,virginica\n").unwrap();
        let transform = Transform::identity(&table, "y", Task::Classification).unwrap();
        assert_eq!(transform.class_labels(), [0, 1]);
    }

    #[test]
    fn an_unknown_class_is_named_with_its_row() {
        let transform = Transform::identity(&wines(), "quality", Task::Classification).unwrap();
        let other = Table::from_csv(b"alcohol,organic,quality\n9.5,true,7\n").unwrap();
        let error = transform.examples(&other).unwrap_err().to_string();
        assert_eq!(error, "row 1: `7` is not a class of `quality`; the classes are 5, 10");
    }

    #[test]
    fn a_transform_survives_json_and_fills_before_it_scales() {
        let mut transform = Transform::identity(&wines(), "quality", Task::Regression).unwrap();
        transform.features[0] = Feature { name: "alcohol".into(), fill: Some(10.0), offset: 8.0, scale: 0.5 };
        let again: Transform = serde_json::from_str(&serde_json::to_string(&transform).unwrap()).unwrap();
        assert_eq!(again, transform);
        assert_eq!(again.apply(&[f32::NAN, 1.0]), [1.0, 1.0]);
        assert_eq!(again.fills().unwrap(), [10.0, 0.0]);
        assert_eq!(again.scaling().unwrap(), (vec![8.0, 0.0], vec![0.5, 1.0]));
    }
}
