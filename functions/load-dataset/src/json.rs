//! JSON into columns: a list of objects, or an object after another.

use std::collections::HashMap;

use serde_json::{Deserializer, Map, Value};
use weft_tables::{Column, Table, Values};

/// How deep objects may lie in each other.
const DEPTH: usize = 16;

/// The most columns: keys that differ from row to row would make a table of gaps.
const COLUMNS: usize = 10_000;

/// Integers up to here survive in an `f64`.
const EXACT: u64 = 1 << 53;

/// Why JSON is no table.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the file cannot be read as json: {0}")]
    Json(#[from] serde_json::Error),
    #[error("record {0} is no object, and only objects have columns")]
    NoObject(usize),
    #[error("there is no list of records at `{0}`")]
    NoRecords(String),
    #[error("record {record}: objects lie more than {DEPTH} deep in each other")]
    Deep { record: usize },
    #[error("there are more than {COLUMNS} columns: the records have too little in common")]
    Wide,
    #[error(transparent)]
    Table(#[from] weft_tables::Error),
}

/// The table in JSON. A list is its records, and so are values one after another, with or without line ends between.
/// Where `records` is not empty, the list lies there: `data.items`.
pub(crate) fn read(bytes: &[u8], records: &str) -> Result<Table, Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut columns = Columns::default();
    for value in Deserializer::from_slice(bytes).into_iter::<Value>() {
        match within(value?, records)? {
            Value::Array(list) => list.into_iter().try_for_each(|it| columns.push(it))?,
            other => columns.push(other)?,
        }
    }
    columns.into_table()
}

/// Whether bytes look like JSON rather than CSV.
pub(crate) fn is_likely(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    matches!(bytes.trim_ascii_start().first(), Some(b'[' | b'{'))
}

/// What lies at a path of keys.
fn within(value: Value, records: &str) -> Result<Value, Error> {
    if records.is_empty() {
        return Ok(value);
    }
    let missing = || Error::NoRecords(records.to_owned());
    let mut found = value;
    for key in records.split('.') {
        let Value::Object(mut object) = found else { return Err(missing()) };
        found = object.remove(key).ok_or_else(missing)?;
    }
    if found.is_array() { Ok(found) } else { Err(missing()) }
}

/// Columns in the making, in the order in which their keys came.
#[derive(Default)]
struct Columns {
    names: Vec<String>,
    places: HashMap<String, usize>,
    /// Row by row, as far as a row has columns.
    rows: Vec<Vec<Value>>,
}

impl Columns {
    fn push(&mut self, record: Value) -> Result<(), Error> {
        let number = self.rows.len() + 1;
        let Value::Object(record) = record else { return Err(Error::NoObject(number)) };
        let mut row = vec![Value::Null; self.names.len()];
        self.flatten("", record, &mut row, DEPTH)?;
        self.rows.push(row);
        Ok(())
    }

    /// Puts the values of an object into a row; what lies in objects within gets names with dots.
    fn flatten(
        &mut self,
        before: &str,
        object: Map<String, Value>,
        row: &mut Vec<Value>,
        depth: usize,
    ) -> Result<(), Error> {
        if depth == 0 {
            return Err(Error::Deep { record: self.rows.len() + 1 });
        }
        for (key, value) in object {
            let name = if before.is_empty() { key } else { format!("{before}.{key}") };
            match value {
                Value::Object(inner) if !inner.is_empty() => self.flatten(&name, inner, row, depth - 1)?,
                value => {
                    let at = self.place(name)?;
                    if row.len() <= at {
                        row.resize(at + 1, Value::Null);
                    }
                    row[at] = value;
                }
            }
        }
        Ok(())
    }

    fn place(&mut self, name: String) -> Result<usize, Error> {
        if let Some(at) = self.places.get(&name) {
            return Ok(*at);
        }
        if self.names.len() >= COLUMNS {
            return Err(Error::Wide);
        }
        self.places.insert(name.clone(), self.names.len());
        self.names.push(name);
        Ok(self.names.len() - 1)
    }

    fn into_table(self) -> Result<Table, Error> {
        let Self { names, rows, .. } = self;
        let column = |(at, name): (usize, String)| {
            let cells: Vec<&Value> = rows.iter().map(|row| row.get(at).unwrap_or(&Value::Null)).collect();
            Column { name, values: values(&cells) }
        };
        Ok(Table::new(names.into_iter().enumerate().map(column).collect())?)
    }
}

/// Numbers where all cells are, truth values where all are, text otherwise: then numbers, lists and what else there is stand
/// as JSON writes them.
fn values(cells: &[&Value]) -> Values {
    let present = || cells.iter().filter(|it| !it.is_null());
    if present().all(|it| number(it).is_some()) {
        return Values::Number(cells.iter().map(|it| number(it).unwrap_or(f64::NAN)).collect());
    }
    if present().all(|it| it.is_boolean()) {
        return Values::Boolean(cells.iter().map(|it| it.as_bool()).collect());
    }
    let text = |cell: &&Value| match cell {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    Values::Text(cells.iter().map(text).collect())
}

/// The number in a cell, unless no `f64` holds it.
fn number(cell: &Value) -> Option<f64> {
    let number = cell.as_number()?;
    let is_exact = match (number.as_u64(), number.as_i64()) {
        (Some(whole), _) => whole <= EXACT,
        (None, Some(whole)) => whole.unsigned_abs() <= EXACT,
        (None, None) => true,
    };
    number.as_f64().filter(|_| is_exact)
}
