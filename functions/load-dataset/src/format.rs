//! The formats a file may have.

use serde::Deserialize;
use weft_tables::Table;

use crate::parquet;

/// The format of the input `source`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// Parquet where the bytes begin as Parquet does, CSV otherwise.
    #[default]
    Auto,
    /// Comma-separated values with a header.
    Csv,
    /// Parquet, flat columns.
    Parquet,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Csv(#[from] weft_tables::Error),
    #[error(transparent)]
    Parquet(#[from] parquet::Error),
    #[error("the delimiter `{0}` is not an ASCII character")]
    Delimiter(char),
}

impl Format {
    /// Reads a file of this format.
    pub(crate) fn read(self, bytes: Vec<u8>, delimiter: Option<char>) -> Result<Table, Error> {
        let is_parquet = match self {
            Self::Auto => bytes.starts_with(b"PAR1"),
            Self::Csv => false,
            Self::Parquet => true,
        };
        if is_parquet {
            return Ok(parquet::read(bytes)?);
        }
        let delimiter = delimiter.unwrap_or(',');
        let byte = u8::try_from(delimiter).ok().filter(u8::is_ascii).ok_or(Error::Delimiter(delimiter))?;
        Ok(Table::from_delimited(&bytes, byte)?)
    }
}
