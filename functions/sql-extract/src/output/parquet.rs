//! Parquet, typed: every column may have gaps, rows are written in groups.

use std::{fs::File, sync::Arc};

use jiff::{Timestamp, civil, tz::TimeZone};
use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::{Type, TypePtr},
};
use weft::{Failure, OrFail as _};

use crate::{
    kind::{Decimals, Kind},
    query::Column,
};

/// The rows of a group.
const ROWS: usize = 100_000;

/// The bytes of text after which a group is written, however few rows it has.
const BYTES: usize = 64 << 20;

/// A file in the making.
pub(crate) struct Writer {
    file: SerializedFileWriter<File>,
    columns: Vec<Buffer>,
    rows: usize,
    bytes: usize,
}

/// The values of a column that wait for their group; 0 stands for a gap, 1 for a value.
struct Buffer {
    name: String,
    kind: Kind,
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    Boolean(Vec<bool>),
    Days(Vec<i32>),
    Whole(Vec<i64>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
}

impl Writer {
    /// A file with these columns.
    pub(crate) fn new(columns: &[Column], decimals: Decimals, file: File) -> Result<Self, Failure> {
        let kind = |column: &Column| match (column.kind, decimals) {
            (Kind::Decimal, Decimals::Text) => Kind::Text,
            (Kind::Decimal, Decimals::Number) => Kind::Number,
            (kind, _) => kind,
        };
        let buffers: Vec<Buffer> = columns.iter().map(|it| Buffer::new(&it.name, kind(it))).collect();
        let fields = buffers.iter().map(Buffer::field).collect::<Result<Vec<TypePtr>, _>>();
        let schema = fields.and_then(|it| Type::group_type_builder("row").with_fields(it).build());
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let file = schema.and_then(|it| SerializedFileWriter::new(file, Arc::new(it), Arc::new(properties)));
        Ok(Self { file: file.or_invalid("bad-query")?, columns: buffers, rows: 0, bytes: 0 })
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, cells: &[Option<String>], number: u64) -> Result<(), Failure> {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            if column.push(cell.as_deref()).is_none() {
                let (name, kind, cell) = (&column.name, column.kind.as_str(), cell.as_deref().unwrap_or_default());
                let message = format!("row {number}: `{cell}` in column `{name}` is no {kind} of Parquet");
                return Err(Failure::invalid("bad-value", message));
            }
            self.bytes += cell.as_ref().map_or(0, String::len);
        }
        self.rows += 1;
        if self.rows >= ROWS || self.bytes >= BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for buffer in &mut self.columns {
            let Some(mut column) = group.next_column()? else { return Err(crate::wire::unexpected()) };
            let levels = std::mem::take(&mut buffer.levels);
            match &mut buffer.values {
                Values::Boolean(values) => write::<BoolType>(&mut column, values, &levels)?,
                Values::Days(values) => write::<Int32Type>(&mut column, values, &levels)?,
                Values::Whole(values) => write::<Int64Type>(&mut column, values, &levels)?,
                Values::Double(values) => write::<DoubleType>(&mut column, values, &levels)?,
                Values::Bytes(values) => write::<ByteArrayType>(&mut column, values, &levels)?,
            }
            column.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// Writes what is left.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.flush()?;
        self.file.close()?;
        Ok(())
    }
}

fn write<T: DataType>(
    column: &mut parquet::file::writer::SerializedColumnWriter<'_>,
    values: &mut Vec<T::T>,
    levels: &[i16],
) -> Result<(), ParquetError> {
    column.typed::<T>().write_batch(values, Some(levels), None)?;
    values.clear();
    Ok(())
}

impl Buffer {
    fn new(name: &str, kind: Kind) -> Self {
        let values = match kind {
            Kind::Boolean => Values::Boolean(Vec::new()),
            Kind::Date => Values::Days(Vec::new()),
            Kind::Integer | Kind::Timestamp | Kind::Moment => Values::Whole(Vec::new()),
            Kind::Number | Kind::Decimal => Values::Double(Vec::new()),
            Kind::Bytes | Kind::Json | Kind::Text => Values::Bytes(Vec::new()),
        };
        Self { name: name.to_owned(), kind, levels: Vec::new(), values }
    }

    fn field(&self) -> Result<TypePtr, ParquetError> {
        let (physical, logical) = match self.kind {
            Kind::Boolean => (Physical::BOOLEAN, None),
            Kind::Integer => (Physical::INT64, None),
            Kind::Number | Kind::Decimal => (Physical::DOUBLE, None),
            Kind::Date => (Physical::INT32, Some(LogicalType::Date)),
            Kind::Timestamp => (Physical::INT64, Some(LogicalType::timestamp(false, TimeUnit::MICROS))),
            Kind::Moment => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
            Kind::Bytes => (Physical::BYTE_ARRAY, None),
            Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let field = Type::primitive_type_builder(&self.name, physical);
        field.with_repetition(Repetition::OPTIONAL).with_logical_type(logical).build().map(Arc::new)
    }

    /// Adds a cell; `None` where Parquet has no place for it.
    fn push(&mut self, cell: Option<&str>) -> Option<()> {
        self.levels.push(i16::from(cell.is_some()));
        let Some(cell) = cell else { return Some(()) };
        match &mut self.values {
            Values::Boolean(values) => values.push(cell == "t"),
            Values::Days(values) => values.push(days(cell)?),
            Values::Whole(values) => values.push(match self.kind {
                Kind::Integer => cell.parse().ok()?,
                Kind::Moment => moment(cell)?,
                _ => timestamp(cell)?,
            }),
            Values::Double(values) => values.push(cell.parse().ok()?),
            Values::Bytes(values) if self.kind == Kind::Bytes => values.push(bytes(cell)?.into()),
            Values::Bytes(values) => values.push(cell.into()),
        }
        Some(())
    }
}

/// Days since the beginning of 1970.
fn days(cell: &str) -> Option<i32> {
    let date: civil::Date = cell.parse().ok()?;
    let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
    i32::try_from(midnight.div_euclid(86_400)).ok()
}

fn timestamp(cell: &str) -> Option<i64> {
    let civil: civil::DateTime = cell.parse().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

fn moment(cell: &str) -> Option<i64> {
    Some(cell.parse::<Timestamp>().ok()?.as_microsecond())
}

/// The bytes behind `\x00ff`.
fn bytes(cell: &str) -> Option<Vec<u8>> {
    let digits = cell.strip_prefix("\\x")?.as_bytes();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use parquet::{
        file::reader::{FileReader as _, SerializedFileReader},
        record::Field,
    };

    use super::*;

    const KINDS: [Kind; 9] = [
        Kind::Boolean,
        Kind::Integer,
        Kind::Number,
        Kind::Decimal,
        Kind::Date,
        Kind::Timestamp,
        Kind::Moment,
        Kind::Bytes,
        Kind::Text,
    ];

    fn written(rows: &[[Option<&str>; 9]], decimals: Decimals) -> Result<Vec<Vec<Field>>, String> {
        let columns: Vec<Column> =
            KINDS.iter().enumerate().map(|(at, kind)| Column { name: format!("c{at}"), kind: *kind, oid: 0 }).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = Writer::new(&columns, decimals, file.reopen().unwrap()).map_err(|it| it.to_string())?;
        for (number, row) in (1..).zip(rows) {
            let row: Vec<_> = row.iter().map(|it| it.map(str::to_owned)).collect();
            writer.push(&row, number).map_err(|it| it.to_string())?;
        }
        writer.finish().map_err(|it| it.to_string())?;
        let reader = SerializedFileReader::new(file.reopen().unwrap()).unwrap();
        let fields = |row: parquet::record::Row| row.into_columns().into_iter().map(|(_, field)| field).collect();
        Ok(reader.get_row_iter(None).unwrap().map(|row| fields(row.unwrap())).collect())
    }

    const FULL: [Option<&str>; 9] = [
        Some("t"),
        Some("-9223372036854775808"),
        Some("NaN"),
        Some("1.5"),
        Some("1969-12-31"),
        Some("2026-01-31 12:00:00.000001"),
        Some("1970-01-01 00:00:01+00"),
        Some("\\x00ff"),
        Some("ü"),
    ];

    #[test]
    fn every_kind_of_value_comes_back_as_what_it_was() {
        let rows = written(&[FULL, [None; 9]], Decimals::Number).unwrap();
        assert_eq!(rows[0][0], Field::Bool(true));
        assert_eq!(rows[0][1], Field::Long(i64::MIN));
        assert!(matches!(rows[0][2], Field::Double(it) if it.is_nan()));
        assert_eq!(rows[0][3], Field::Double(1.5));
        assert_eq!(rows[0][4], Field::Date(-1));
        assert_eq!(rows[0][5], Field::TimestampMicros(1_769_860_800_000_001));
        assert_eq!(rows[0][6], Field::TimestampMicros(1_000_000));
        assert_eq!(rows[0][7], Field::Bytes(vec![0, 255].into()));
        assert_eq!(rows[0][8], Field::Str("ü".into()));
        assert_eq!(rows[1], vec![Field::Null; 9]);
        assert_eq!(written(&[FULL], Decimals::Text).unwrap()[0][3], Field::Str("1.5".into()));
        assert_eq!(written(&[], Decimals::Text).unwrap().len(), 0);
    }

    #[test]
    fn what_parquet_has_no_place_for_is_told_with_its_row() {
        let mut row = FULL;
        row[6] = Some("infinity");
        let error = written(&[FULL, row], Decimals::Number).unwrap_err();
        assert_eq!(error, "row 2: `infinity` in column `c6` is no timestamp of Parquet (bad-value)");
        row[6] = Some("0044-03-15 00:00:00+00 BC");
        assert!(written(&[row], Decimals::Number).is_err());
    }
}
