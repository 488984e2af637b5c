//! The formats a file may have.

use serde::Deserialize;
use weft_tables::Table;

use crate::{json, parquet};

/// The format of the input `source`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// Parquet where the bytes begin as Parquet does, JSON where they begin with a bracket, CSV otherwise.
    #[default]
    Auto,
    /// Comma-separated values with a header.
    Csv,
    /// Parquet, flat columns.
    Parquet,
    /// JSON: a list of objects, or one after another.
    #[serde(alias = "jsonl")]
    Json,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Csv(#[from] weft_tables::Error),
    #[error(transparent)]
    Parquet(#[from] parquet::Error),
    #[error(transparent)]
    Json(#[from] json::Error),
    #[error("the delimiter `{0}` is not an ASCII character")]
    Delimiter(char),
}

impl Format {
    /// Reads a file of this format.
    pub(crate) fn read(self, bytes: Vec<u8>, delimiter: Option<char>, records: &str) -> Result<Table, Error> {
        match self {
            Self::Auto if bytes.starts_with(b"PAR1") => return Ok(parquet::read(bytes)?),
            Self::Auto if json::is_likely(&bytes) => return Ok(json::read(&bytes, records)?),
            Self::Parquet => return Ok(parquet::read(bytes)?),
            Self::Json => return Ok(json::read(&bytes, records)?),
            Self::Auto | Self::Csv => {}
        }
        let delimiter = delimiter.unwrap_or(',');
        let byte = u8::try_from(delimiter).ok().filter(u8::is_ascii).ok_or(Error::Delimiter(delimiter))?;
        Ok(Table::from_delimited(&bytes, byte)?)
    }
}
