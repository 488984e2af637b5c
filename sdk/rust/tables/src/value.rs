//! One cell as a value that can be compared, ordered and hashed: what groups and joins go by.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
};

use crate::{Column, Error, Table, Values};

/// One cell. Numbers come by size, text by letter, what is missing last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A truth value.
    Boolean(bool),
    /// A number.
    Number(Exact),
    /// Text.
    Text(String),
    /// Nothing.
    Missing,
}

/// A number that equals itself: never NaN, and -0 is 0.
#[derive(Debug, Clone, Copy)]
pub struct Exact(f64);

impl Exact {
    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl From<f64> for Exact {
    fn from(number: f64) -> Self {
        Self(if number == 0.0 { 0.0 } else { number })
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Exact {}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Exact {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl Column {
    /// The cell at `row`.
    #[must_use]
    pub fn value(&self, row: usize) -> Value {
        let value = match &self.values {
            Values::Number(values) => values.get(row).filter(|it| !it.is_nan()).map(|&it| Value::Number(it.into())),
            Values::Boolean(values) => values.get(row).copied().flatten().map(Value::Boolean),
            Values::Text(values) => values.get(row).cloned().flatten().map(Value::Text),
        };
        value.unwrap_or(Value::Missing)
    }

    /// The rows `rows`, in that order; a gap where there is none.
    #[must_use]
    pub fn gather(&self, rows: &[Option<usize>]) -> Self {
        fn each<T: Clone>(values: &[T], rows: &[Option<usize>], gap: &T) -> Vec<T> {
            rows.iter().map(|row| row.and_then(|it| values.get(it)).unwrap_or(gap).clone()).collect()
        }
        let values = match &self.values {
            Values::Number(values) => Values::Number(each(values, rows, &f64::NAN)),
            Values::Boolean(values) => Values::Boolean(each(values, rows, &None)),
            Values::Text(values) => Values::Text(each(values, rows, &None)),
        };
        Self { name: self.name.clone(), values }
    }

    /// The same values under another name.
    #[must_use]
    pub fn renamed(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }
}

impl Table {
    /// What each row is in the columns `names`.
    ///
    /// # Errors
    /// When one of them is not there.
    pub fn keys(&self, names: &[String]) -> Result<Vec<Vec<Value>>, Error> {
        let columns = names.iter().map(|it| self.column(it)).collect::<Result<Vec<_>, _>>()?;
        Ok((0..self.rows()).map(|row| columns.iter().map(|it| it.value(row)).collect()).collect())
    }

    /// What an artifact that holds this table says of itself: its columns, their types and gaps, and its rows.
    #[must_use]
    pub fn schema(&self) -> serde_json::Value {
        let column = |it: &Column| serde_json::json!({ "name": it.name, "type": it.kind(), "missing": it.missing() });
        let columns: Vec<_> = self.columns().iter().map(column).collect();
        serde_json::json!({ "format": "csv", "rows": self.rows(), "columns": columns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_ordered_with_gaps_last() {
        let table = Table::from_csv(b"x,t\n2,b\n,\n-1,a\n-0,a\n0,a\n").unwrap();
        let mut keys = table.keys(&["x".to_owned()]).unwrap();
        assert_eq!(keys[3], keys[4], "-0 is 0");
        keys.sort();
        assert_eq!(keys.last().unwrap(), &[Value::Missing]);
        assert_eq!(keys[0], [Value::Number((-1.0).into())]);
        assert!(table.keys(&["y".to_owned()]).is_err());
    }

    #[test]
    fn rows_that_are_nowhere_are_gaps() {
        let table = Table::from_csv(b"x,t,b\n2,b,true\n3,,false\n").unwrap();
        let rows = [Some(1), None, Some(0), Some(9)];
        let cells =
            |column: &Column| (0..4).map(|row| column.cell(row).map(Into::into)).collect::<Vec<Option<String>>>();
        let owned = |cells: [Option<&str>; 4]| cells.map(|it| it.map(str::to_owned)).to_vec();
        assert_eq!(cells(&table.columns()[0].gather(&rows)), owned([Some("3"), None, Some("2"), None]));
        assert_eq!(cells(&table.columns()[1].gather(&rows)), owned([None, None, Some("b"), None]));
        assert_eq!(cells(&table.columns()[2].gather(&rows)), owned([Some("false"), None, Some("true"), None]));
    }
}
