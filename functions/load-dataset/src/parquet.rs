//! Parquet into columns: flat files of numbers, booleans and text.

use parquet::{
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use weft_tables::{Column, Table, Values};

/// Why a Parquet file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the file cannot be read as parquet: {0}")]
    Parquet(#[from] ParquetError),
    #[error("column `{column}` holds {kind}, which has no place in a table of numbers and text")]
    Kind { column: String, kind: &'static str },
    #[error(transparent)]
    Table(#[from] weft_tables::Error),
}

/// The table in a Parquet file.
pub(crate) fn read(bytes: Vec<u8>) -> Result<Table, Error> {
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes))?;
    let schema = reader.metadata().file_metadata().schema().clone();
    let mut columns: Vec<Cells> = schema.get_fields().iter().map(|it| Cells::new(it.name())).collect();
    for row in reader.get_row_iter(None)? {
        let row = row?;
        for (cells, (_, field)) in columns.iter_mut().zip(row.get_column_iter()) {
            cells.push(field)?;
        }
    }
    Ok(Table::new(columns.into_iter().map(Cells::into_column).collect())?)
}

/// A column in the making.
struct Cells {
    name: String,
    values: Vec<Cell>,
}

/// One value, as far as a table can hold it.
enum Cell {
    Missing,
    Number(f64),
    Boolean(bool),
    Text(String),
}

impl Cells {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), values: Vec::new() }
    }

    fn push(&mut self, field: &Field) -> Result<(), Error> {
        let cell = cell(field).map_err(|kind| Error::Kind { column: self.name.clone(), kind })?;
        self.values.push(cell);
        Ok(())
    }

    /// A column of Parquet has one type, so the first value that is there tells it.
    fn into_column(self) -> Column {
        let first = self.values.iter().find(|it| !matches!(it, Cell::Missing));
        let values = match first {
            Some(Cell::Text(_)) => Values::Text(self.values.into_iter().map(Cell::text).collect()),
            Some(Cell::Boolean(_)) => Values::Boolean(self.values.into_iter().map(Cell::boolean).collect()),
            _ => Values::Number(self.values.into_iter().map(Cell::number).collect()),
        };
        Column { name: self.name, values }
    }
}

impl Cell {
    fn number(self) -> f64 {
        if let Self::Number(number) = self { number } else { f64::NAN }
    }

    fn boolean(self) -> Option<bool> {
        if let Self::Boolean(value) = self { Some(value) } else { None }
    }

    fn text(self) -> Option<String> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

fn cell(field: &Field) -> Result<Cell, &'static str> {
    Ok(match field {
        Field::Null => Cell::Missing,
        Field::Bool(it) => Cell::Boolean(*it),
        Field::Byte(it) => Cell::Number(f64::from(*it)),
        Field::Short(it) => Cell::Number(f64::from(*it)),
        Field::Int(it) => Cell::Number(f64::from(*it)),
        Field::Long(it) => Cell::Number(*it as f64),
        Field::UByte(it) => Cell::Number(f64::from(*it)),
        Field::UShort(it) => Cell::Number(f64::from(*it)),
        Field::UInt(it) => Cell::Number(f64::from(*it)),
        Field::ULong(it) => Cell::Number(*it as f64),
        Field::Float16(it) => Cell::Number(f64::from(*it)),
        Field::Float(it) => Cell::Number(shortest(*it)),
        Field::Double(it) => Cell::Number(*it),
        Field::Str(it) => Cell::Text(it.clone()),
        Field::Decimal(_) | Field::Date(_) | Field::TimestampMillis(_) | Field::TimestampMicros(_) => {
            Cell::Text(field.to_string())
        }
        Field::TimeMillis(_) | Field::TimeMicros(_) => return Err("times of day"),
        Field::Bytes(_) => return Err("bytes"),
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => return Err("nested values"),
    })
}

/// The number a single-precision value was written as: 0.1, not 0.10000000149011612.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}
