//! Groups: rows that are alike in some columns.

use std::collections::BTreeMap;

use weft_tables::{Error, Table, Value};

use crate::window::Window;

/// Rows that belong together.
#[derive(Debug)]
pub(crate) struct Group {
    /// A row that says what makes the group; `None` where the table has no rows.
    pub(crate) like: Option<usize>,
    /// Its rows, as they are to be taken in turn.
    pub(crate) rows: Vec<usize>,
    /// Its window, where there are some.
    pub(crate) window: Option<Window>,
}

/// All groups, ordered by what makes them, and how many rows belong to none.
#[derive(Debug)]
pub(crate) struct Groups {
    pub(crate) all: Vec<Group>,
    pub(crate) left_out: usize,
}

impl Groups {
    /// The groups among `rows` by the columns `by`; one of all rows, where there are no such columns.
    pub(crate) fn of(table: &Table, by: &[String], rows: &[usize], keep_missing: bool) -> Result<Self, Error> {
        if by.is_empty() {
            let group = Group { like: rows.first().copied(), rows: rows.to_vec(), window: None };
            return Ok(Self { all: vec![group], left_out: 0 });
        }
        let mut keys = table.keys(by)?;
        let mut found: BTreeMap<Vec<Value>, Vec<usize>> = BTreeMap::new();
        let mut left_out = 0;
        for &row in rows {
            let key = std::mem::take(&mut keys[row]);
            if !keep_missing && key.contains(&Value::Missing) {
                left_out += 1;
            } else {
                found.entry(key).or_default().push(row);
            }
        }
        let group = |rows: Vec<usize>| Group { like: rows.first().copied(), rows, window: None };
        Ok(Self { all: found.into_values().map(group).collect(), left_out })
    }
}
