//! Rows into a file: CSV as they come, Parquet in groups.

mod parquet;

use std::fs::File;

use serde::{Deserialize, Serialize};
use weft::{Failure, OrFail as _};

use crate::{
    kind::{self, Decimals},
    query::Column,
};

/// What is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    #[default]
    Csv,
    Parquet,
}

/// What is known of what was written.
#[derive(Debug, Serialize)]
pub(crate) struct Schema {
    pub(crate) rows: u64,
    pub(crate) columns: Vec<Described>,
}

/// A column of the answer, and what is missing in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) r#type: &'static str,
    /// As Postgres calls it.
    pub(crate) sql: String,
    pub(crate) missing: u64,
}

/// A file in the making.
pub(crate) struct Output {
    columns: Vec<Column>,
    missing: Vec<u64>,
    rows: u64,
    file: Kind,
}

enum Kind {
    Csv(Box<csv::Writer<File>>),
    Parquet(Box<parquet::Writer>),
}

impl Format {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

impl Output {
    /// A file with these columns and no rows yet.
    pub(crate) fn new(format: Format, columns: &[Column], decimals: Decimals, file: File) -> Result<Self, Failure> {
        let file = match format {
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(file);
                writer.write_record(columns.iter().map(|it| &it.name))?;
                Kind::Csv(Box::new(writer))
            }
            Format::Parquet => Kind::Parquet(Box::new(parquet::Writer::new(columns, decimals, file)?)),
        };
        Ok(Self { columns: columns.to_vec(), missing: vec![0; columns.len()], rows: 0, file })
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: &[Option<&[u8]>]) -> Result<(), Failure> {
        if row.len() != self.columns.len() {
            return Err(crate::wire::unexpected());
        }
        self.rows += 1;
        let text = |cell: &Option<&'_ [u8]>| cell.map(|it| std::str::from_utf8(it).map(str::to_owned)).transpose();
        let cells: Vec<Option<String>> = row.iter().map(text).collect::<Result<_, _>>().or_invalid("bad-value")?;
        for (missing, cell) in self.missing.iter_mut().zip(&cells) {
            *missing += u64::from(cell.is_none());
        }
        match &mut self.file {
            Kind::Csv(writer) => {
                let written = |(cell, column): (&Option<String>, &Column)| {
                    cell.as_ref().map(|it| column.kind.csv(it)).unwrap_or_default()
                };
                writer.write_record(cells.iter().zip(&self.columns).map(written))?;
            }
            Kind::Parquet(writer) => writer.push(&cells, self.rows)?,
        }
        Ok(())
    }

    /// Writes what is left.
    pub(crate) fn finish(self) -> Result<Schema, Failure> {
        match self.file {
            Kind::Csv(mut writer) => writer.flush()?,
            Kind::Parquet(writer) => writer.finish()?,
        }
        let describe = |(column, missing): (Column, u64)| Described {
            r#type: column.kind.as_str(),
            sql: kind::name(column.oid),
            name: column.name,
            missing,
        };
        Ok(Schema { rows: self.rows, columns: self.columns.into_iter().zip(self.missing).map(describe).collect() })
    }
}
