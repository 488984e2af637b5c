//! Keyed state in SQL: a row per key. SQLite's writes share transactions, Postgres's are one statement each.

use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use host_core::ports::{Bucket, KeyValue, KeyValueError, Keys};

use crate::{
    Store, StoreError,
    sql::{Arg, Db, Row, Select, args},
};

mod change;
mod postgres;
mod writer;

use change::{Change, Changed};
use writer::Writer;

/// The keyed state of a store.
pub struct StoreState {
    db: Db,
    /// SQLite has one writer; Postgres has as many as there are connections.
    writer: Option<Writer>,
}

impl StoreState {
    /// The state of `store`.
    #[must_use]
    pub fn start(store: &Store) -> Arc<Self> {
        let db = store.db().clone();
        let writer = (!db.is_postgres()).then(|| Writer::start(store));
        Arc::new(Self { db, writer })
    }

    async fn change(&self, bucket: &Bucket, change: Change) -> Result<Changed, KeyValueError> {
        match &self.writer {
            Some(writer) => writer.change(bucket.clone(), change).await,
            None => postgres::change(&self.db, bucket, change).await,
        }
    }
}

impl From<StoreError> for KeyValueError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// A value as it stands in its row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Written {
    text: String,
    is_base64: bool,
}

impl Written {
    fn of(value: &[u8]) -> Self {
        match std::str::from_utf8(value) {
            // Postgres keeps no NUL in text.
            Ok(text) if !text.contains('\0') => Self { text: text.to_owned(), is_base64: false },
            _ => Self { text: STANDARD.encode(value), is_base64: true },
        }
    }

    fn read(row: &Row) -> Result<Bytes, StoreError> {
        let text: String = row.get("value")?;
        if row.get::<i64>("is_base64")? == 0 {
            return Ok(text.into());
        }
        let damaged =
            |error: base64::DecodeError| StoreError::Damaged { column: "value".to_owned(), reason: error.to_string() };
        Ok(STANDARD.decode(text).map_err(damaged)?.into())
    }

    fn args(self) -> [Arg; 2] {
        [self.text.into(), self.is_base64.into()]
    }
}

/// Begins with a statement about some keys of a bucket, as it stands up to them.
fn about(start: &'static str, bucket: &Bucket, keys: &[String]) -> Select {
    let select = Select::new(start, args![&bucket.project, &bucket.name]);
    keys.iter().enumerate().fold(select, |select, (at, key)| {
        let placeholder = if at == 0 { "?" } else { ", ?" };
        select.then(placeholder, args![key])
    })
}

#[async_trait]
impl KeyValue for StoreState {
    async fn get(&self, bucket: &Bucket, keys: &[String]) -> Result<Vec<Option<Bytes>>, KeyValueError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let start = "SELECT key, value, is_base64 FROM keyvalue WHERE project = ? AND bucket = ? AND key IN (";
        let (sql, args) = about(start, bucket, keys).end(")", vec![]);
        let mut found = std::collections::HashMap::with_capacity(keys.len());
        for row in self.db.rows(sql, args).await? {
            found.insert(row.get::<String>("key")?, Written::read(&row)?);
        }
        Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
    }

    async fn set(&self, bucket: &Bucket, entries: Vec<(String, Bytes)>) -> Result<(), KeyValueError> {
        self.change(bucket, Change::set(entries)).await.map(drop)
    }

    async fn delete(&self, bucket: &Bucket, keys: &[String]) -> Result<(), KeyValueError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.change(bucket, Change::delete(keys)).await.map(drop)
    }

    async fn keys(&self, bucket: &Bucket, after: Option<&str>, most: u32) -> Result<Keys, KeyValueError> {
        let start = "SELECT key FROM keyvalue WHERE project = ? AND bucket = ?";
        let select = Select::new(start, args![&bucket.project, &bucket.name]).when("key > ?", after);
        let (sql, args) = select.end("ORDER BY key LIMIT ?", args![i64::from(most) + 1]);
        let rows = self.db.rows(sql, args).await?;
        let mut keys = rows.iter().map(|row| row.get("key")).collect::<Result<Vec<String>, StoreError>>()?;
        let is_last = keys.len() <= most as usize;
        keys.truncate(most as usize);
        let next = if is_last { None } else { keys.last().cloned() };
        Ok(Keys { keys, next })
    }

    async fn increment(&self, bucket: &Bucket, key: &str, delta: i64) -> Result<i64, KeyValueError> {
        match self.change(bucket, Change::Increment { key: key.to_owned(), delta }).await? {
            Changed::Sum(sum) => Ok(sum),
            other => Err(other.unexpected()),
        }
    }

    async fn size(&self, bucket: &Bucket) -> Result<Option<u64>, KeyValueError> {
        let sum = "SELECT CAST(COALESCE(SUM(LENGTH(key) + LENGTH(value)), 0) AS BIGINT) AS bytes FROM keyvalue \
                   WHERE project = $1 AND bucket = $2";
        let row = self.db.row(sum, args![&bucket.project, &bucket.name]).await?;
        Ok(Some(row.map_or(Ok(0), |row| row.get("bytes"))?))
    }

    async fn swap(
        &self,
        bucket: &Bucket,
        key: &str,
        expected: Option<&Bytes>,
        value: Bytes,
    ) -> Result<bool, KeyValueError> {
        let expected = expected.map(|it| Written::of(it));
        let change = Change::Swap { key: key.to_owned(), expected, value: Written::of(&value) };
        match self.change(bucket, change).await? {
            Changed::Swapped(is) => Ok(is),
            other => Err(other.unexpected()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_can_read_is_kept_as_it_is() {
        assert_eq!(Written::of(b"{\"n\":7}"), Written { text: "{\"n\":7}".into(), is_base64: false });
        assert_eq!(Written::of(b""), Written { text: String::new(), is_base64: false });
        assert_eq!(Written::of(b"a\0"), Written { text: "YQA=".into(), is_base64: true });
        assert!(Written::of(&[0xff]).is_base64);
    }
}
