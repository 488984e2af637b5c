//! Keys of both tables: what is in the columns that must be equal.

use std::collections::HashMap;

use serde::Deserialize;
use weft_tables::{Column, Table, Type, Value};

use crate::matches::Validate;

/// Whether gaps equal each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Nulls {
    /// Never, as in SQL.
    #[default]
    Sql,
    /// Always, as in pandas.
    Pandas,
}

/// Why tables cannot be joined so.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Table(#[from] weft_tables::Error),
    #[error("`{left}` holds {of_left} and `{right}` holds {of_right}: nothing would be equal")]
    Types { left: String, right: String, of_left: &'static str, of_right: &'static str },
    #[error("row {row} of the {side} repeats a key, which `validate` forbids")]
    Repeated { row: usize, side: &'static str },
}

/// The key of every row on both sides; `None` where it equals nothing.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) left: Vec<Option<Vec<Value>>>,
    pub(crate) right: Vec<Option<Vec<Value>>>,
}

impl Keys {
    /// The keys of two tables.
    pub(crate) fn of(left: &Table, right: &Table, pairs: &[(String, String)], nulls: Nulls) -> Result<Self, Error> {
        for (of_left, of_right) in pairs {
            fit(left.column(of_left)?, right.column(of_right)?)?;
        }
        let (names_left, names_right): (Vec<String>, Vec<String>) = pairs.iter().cloned().unzip();
        let side = |keys: Vec<Vec<Value>>| {
            let usable = |key: Vec<Value>| (nulls == Nulls::Pandas || !key.contains(&Value::Missing)).then_some(key);
            keys.into_iter().map(usable).collect()
        };
        Ok(Self { left: side(left.keys(&names_left)?), right: side(right.keys(&names_right)?) })
    }

    /// The rows on the right by their keys, in their order.
    pub(crate) fn right_rows(&self) -> HashMap<&[Value], Vec<usize>> {
        let mut rows: HashMap<&[Value], Vec<usize>> = HashMap::new();
        for (row, key) in self.right.iter().enumerate() {
            if let Some(key) = key {
                rows.entry(key).or_default().push(row);
            }
        }
        rows
    }

    /// Whether keys occur as often as they may.
    pub(crate) fn check(&self, validate: Validate) -> Result<(), Error> {
        let (left, right) = match validate {
            Validate::Many => (false, false),
            Validate::OneToOne => (true, true),
            Validate::OneToMany => (true, false),
            Validate::ManyToOne => (false, true),
        };
        if left {
            once(&self.left, "left")?;
        }
        if right {
            once(&self.right, "right")?;
        }
        Ok(())
    }
}

fn once(keys: &[Option<Vec<Value>>], side: &'static str) -> Result<(), Error> {
    let mut seen = std::collections::HashSet::new();
    match keys.iter().position(|key| key.as_ref().is_some_and(|key| !seen.insert(key))) {
        Some(row) => Err(Error::Repeated { row: row + 1, side }),
        None => Ok(()),
    }
}

/// Whether values of two columns can be equal at all.
fn fit(left: &Column, right: &Column) -> Result<(), Error> {
    let (of_left, of_right) = (what(left), what(right));
    // A column of gaps alone holds nothing in particular.
    let is_empty = |column: &Column| column.missing() == column.len();
    if of_left == of_right || is_empty(left) || is_empty(right) {
        return Ok(());
    }
    Err(Error::Types { left: left.name.clone(), right: right.name.clone(), of_left, of_right })
}

fn what(column: &Column) -> &'static str {
    match column.kind() {
        Type::Integer | Type::Number => "numbers",
        Type::Boolean => "truth values",
        Type::Text => "text",
    }
}
