//! Why the store could not answer.

use std::time::Duration;

use host_core::ports::{DeployError, JournalError, ModelError};

/// Why the store could not answer. Causes are kept, without SQL text and without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nobody answered in time; it may work again in a moment.
    #[error("database did not answer within {0:?}; try again in a moment")]
    Timeout(Duration),
    /// The connection failed; it may work again in a moment.
    #[error("database cannot be reached: {0}; try again in a moment")]
    Unreachable(String),
    /// Others were at the same rows; it will work in a moment.
    #[error("database is busy: {0}; try again in a moment")]
    Busy(String),
    /// There is no room for what should be written; nothing was.
    #[error("database is full: {0}; make room on its disk or raise its limit")]
    Full(String),
    /// The database said no.
    #[error("database refused: {0}")]
    Refused(String),
    /// What was read is not what this release writes.
    #[error("stored {column} cannot be read: {reason}")]
    Damaged {
        /// The column.
        column: String,
        /// Why.
        reason: String,
    },
    /// A page was asked for that no list gave out.
    #[error("`{0}` is not a place in this list; use the `next` of the page before")]
    Cursor(String),
    /// There is no such thing.
    #[error("{0} does not exist")]
    NotFound(String),
}

impl StoreError {
    /// Whether the same may succeed a moment later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Timeout(_) | Self::Unreachable(_) | Self::Busy(_) | Self::Full(_))
    }
}

/// `SQLITE_FULL` and Postgres's `disk_full`.
const FULL: &[&str] = &["13", "53100"];
/// `SQLITE_IOERR_WRITE` and `SQLITE_IOERR_FSYNC`: what a full disk looks like on some file systems.
const WRITE_FAILED: &[&str] = &["778", "1034"];
/// `SQLITE_BUSY`, and Postgres's deadlock and serialization failure.
const BUSY: &[&str] = &["5", "40P01", "40001"];
/// Postgres while it starts, stops, is out of connections or too slow.
const AWAY: &[&str] = &["57014", "57P01", "57P02", "57P03", "53300", "08000", "08003", "08006"];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default().into_owned();
                let message = error.message().to_owned();
                if FULL.contains(&code.as_str()) || WRITE_FAILED.contains(&code.as_str()) {
                    Self::Full(message)
                } else if BUSY.contains(&code.as_str()) {
                    Self::Busy(message)
                } else if AWAY.contains(&code.as_str()) {
                    Self::Unreachable(message)
                } else {
                    Self::Refused(message)
                }
            }
            sqlx::Error::ColumnDecode { index, source } => Self::Damaged { column: index, reason: source.to_string() },
            sqlx::Error::ColumnNotFound(column) => Self::Damaged { column, reason: "no such column".into() },
            other => Self::Unreachable(causes(&other)),
        }
    }
}

/// The error and what caused it, each said once.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    if let Some(cause) = error.source() {
        let said = causes(cause);
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
    }
    text
}

impl From<StoreError> for DeployError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::NotFound(what),
            other => Self::Storage(other.to_string()),
        }
    }
}

impl From<StoreError> for ModelError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::NotFound(what),
            other => Self::Storage(other.to_string()),
        }
    }
}

impl From<StoreError> for JournalError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Cursor(cursor) => Self::Cursor(cursor),
            other => Self::Storage(other.to_string()),
        }
    }
}
