//! What is done to keyed state, whichever database it is in, and how SQLite does it.

use std::collections::BTreeMap;

use bytes::Bytes;
use host_core::ports::{Bucket, KeyValueError, keyvalue};

use super::{Written, about};
use crate::{
    StoreError,
    sql::{Arg, Select, Tx, args, placeholders},
};

/// Something to do.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// Values by key, each once and in order, so that no two writers wait for each other.
    Set(BTreeMap<String, Written>),
    /// Keys, in order.
    Delete(Vec<String>),
    Increment {
        key: String,
        delta: i64,
    },
    Swap {
        key: String,
        expected: Option<Written>,
        value: Written,
    },
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    Done,
    Sum(i64),
    Swapped(bool),
}

/// Why it was not done.
pub(super) enum Refused {
    /// It cannot be; nothing was written.
    Invalid(KeyValueError),
    /// The database; whatever shares the transaction is gone with it.
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refused> for KeyValueError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Invalid(error) => error,
            Refused::Store(error) => error.into(),
        }
    }
}

impl Changed {
    /// No change is answered so; told rather than trusted.
    pub(super) fn unexpected(self) -> KeyValueError {
        KeyValueError::Unavailable(format!("the store answered {self:?} to another question"))
    }
}

/// The rest of a statement that sets what is there already.
pub(super) const OVERWRITE: &str =
    "ON CONFLICT (project, bucket, key) DO UPDATE SET value = excluded.value, is_base64 = excluded.is_base64";

impl Change {
    /// Of several values for one key, the last.
    pub(super) fn set(entries: Vec<(String, Bytes)>) -> Self {
        Self::Set(entries.into_iter().map(|(key, value)| (key, Written::of(&value))).collect())
    }

    pub(super) fn delete(keys: &[String]) -> Self {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        keys.dedup();
        Self::Delete(keys)
    }

    /// Does it in SQLite, whose transactions come one after the other.
    pub(super) async fn apply(self, tx: &mut Tx, bucket: &Bucket) -> Result<Changed, Refused> {
        match self {
            Self::Set(values) => {
                let rows = values.len();
                tx.execute(placeholders(INSERT, rows, COLUMNS, OVERWRITE), rows_of(bucket, values)).await?;
                Ok(Changed::Done)
            }
            Self::Delete(keys) => {
                let (sql, args) = about(DELETE, bucket, &keys).end(")", vec![]);
                tx.execute(sql, args).await?;
                Ok(Changed::Done)
            }
            Self::Increment { key, delta } => {
                let start = "SELECT value, is_base64 FROM keyvalue WHERE project = ? AND bucket = ? AND key = ";
                let (sql, args) = about(start, bucket, std::slice::from_ref(&key)).end("", vec![]);
                let kept = tx.row(sql, args).await?.map(|row| Written::read(&row)).transpose()?;
                let sum = keyvalue::add(kept.as_deref(), delta).map_err(Refused::Invalid)?;
                let value = BTreeMap::from([(key, Written::of(sum.to_string().as_bytes()))]);
                tx.execute(placeholders(INSERT, 1, COLUMNS, OVERWRITE), rows_of(bucket, value)).await?;
                Ok(Changed::Sum(sum))
            }
            Self::Swap { key, expected, value } => {
                let (sql, args) = swap(bucket, key, expected, value);
                Ok(Changed::Swapped(tx.execute(sql, args).await? == 1))
            }
        }
    }
}

/// How statements begin and how many values their rows have.
pub(super) const INSERT: &str = "INSERT INTO keyvalue (project, bucket, key, value, is_base64) VALUES";
pub(super) const COLUMNS: usize = 5;
pub(super) const DELETE: &str = "DELETE FROM keyvalue WHERE project = ? AND bucket = ? AND key IN (";

/// The values of rows that are inserted.
pub(super) fn rows_of(bucket: &Bucket, values: BTreeMap<String, Written>) -> Vec<Arg> {
    let row = |(key, value): (String, Written)| {
        let [text, is_base64] = value.args();
        [Arg::from(&bucket.project), Arg::from(&bucket.name), key.into(), text, is_base64]
    };
    values.into_iter().flat_map(row).collect()
}

/// A statement that touches one row, or none where the value is another.
pub(super) fn swap(
    bucket: &Bucket,
    key: String,
    expected: Option<Written>,
    value: Written,
) -> (sqlx::SqlStr, Vec<Arg>) {
    match expected {
        None => {
            let sql = placeholders(INSERT, 1, COLUMNS, "ON CONFLICT DO NOTHING RETURNING key");
            (sql, rows_of(bucket, BTreeMap::from([(key, value)])))
        }
        Some(expected) => {
            let start = "UPDATE keyvalue SET value = ?, is_base64 = ? WHERE project = ? AND bucket = ? AND key = ?";
            let values = value.args().into_iter().chain(args![&bucket.project, &bucket.name, key]).collect();
            let [text, is_base64] = expected.args();
            let select = Select::new(start, values).and("value = ? AND is_base64 = ?", vec![text, is_base64]);
            select.end("RETURNING key", vec![])
        }
    }
}
