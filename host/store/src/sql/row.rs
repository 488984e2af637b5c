//! One row of an answer, read column by column into the words of core.

use std::net::IpAddr;

use host_core::{CallId, Digest, Name, RevisionId, RunId, clock::from_micros, identity::TokenId};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::{Row as _, postgres::PgRow, sqlite::SqliteRow};

use super::on;
use crate::{StoreError, text};

/// One row of an answer.
pub(crate) enum Row {
    Lite(SqliteRow),
    Pg(PgRow),
}

impl From<SqliteRow> for Row {
    fn from(row: SqliteRow) -> Self {
        Self::Lite(row)
    }
}

impl From<PgRow> for Row {
    fn from(row: PgRow) -> Self {
        Self::Pg(row)
    }
}

impl Row {
    /// The value of a column.
    pub(crate) fn get<T: Column>(&self, name: &str) -> Result<T, StoreError> {
        T::read(self, name)
    }

    /// The JSON of a column.
    pub(crate) fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        text::from_json(&self.get::<String>(name)?, name)
    }

    /// The JSON of a column that may be empty.
    pub(crate) fn json_opt<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        self.get::<Option<String>>(name)?.map(|text| text::from_json(&text, name)).transpose()
    }

    /// A column that holds one of a few words.
    pub(crate) fn word<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        let word: String = self.get(name)?;
        serde_json::from_value(serde_json::Value::String(word)).map_err(|error| damaged(name, &error))
    }
}

/// What a column can be read as.
pub(crate) trait Column: Sized {
    fn read(row: &Row, name: &str) -> Result<Self, StoreError>;
}

fn damaged(column: &str, reason: &dyn std::fmt::Display) -> StoreError {
    StoreError::Damaged { column: column.to_owned(), reason: reason.to_string() }
}

macro_rules! plain {
    ($($kind:ty),*) => {
        $(
            impl Column for $kind {
                fn read(row: &Row, name: &str) -> Result<Self, StoreError> {
                    on!(row, Row, row => Ok(row.try_get::<Self, _>(name)?))
                }
            }
        )*
    };
}

plain!(i64, Option<i64>, String, Option<String>, Option<f64>);

macro_rules! by_number {
    ($($kind:ty),*) => {
        $(
            impl Column for $kind {
                fn read(row: &Row, name: &str) -> Result<Self, StoreError> {
                    Self::try_from(row.get::<i64>(name)?).map_err(|error| damaged(name, &error))
                }
            }
        )*
    };
}

by_number!(u16, u32, u64);

impl Column for bool {
    fn read(row: &Row, name: &str) -> Result<Self, StoreError> {
        Ok(row.get::<i64>(name)? != 0)
    }
}

impl Column for Timestamp {
    fn read(row: &Row, name: &str) -> Result<Self, StoreError> {
        Ok(from_micros(row.get(name)?))
    }
}

impl Column for Option<Timestamp> {
    fn read(row: &Row, name: &str) -> Result<Self, StoreError> {
        Ok(row.get::<Option<i64>>(name)?.map(from_micros))
    }
}

macro_rules! by_text {
    ($($kind:ty),*) => {
        $(
            impl Column for $kind {
                fn read(row: &Row, name: &str) -> Result<Self, StoreError> {
                    row.get::<String>(name)?.parse().map_err(|error| damaged(name, &error))
                }
            }

            impl Column for Option<$kind> {
                fn read(row: &Row, name: &str) -> Result<Self, StoreError> {
                    let text: Option<String> = row.get(name)?;
                    text.map(|text| text.parse().map_err(|error| damaged(name, &error))).transpose()
                }
            }
        )*
    };
}

by_text!(CallId, Digest, IpAddr, Name, RevisionId, RunId, TokenId);
