//! Keyed state: what functions remember between calls, by bucket and key.

use async_trait::async_trait;
use bytes::Bytes;

use crate::Name;

/// The longest key, bytes.
pub const LONGEST_KEY: usize = 1_024;
/// The largest value, bytes.
pub const LARGEST_VALUE: usize = 1 << 20;

/// A bucket: functions of one project that are granted the same name share it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// The project.
    pub project: Name,
    /// Its name there.
    pub name: Name,
}

/// Why state could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyValueError {
    /// The key or the value is too long, or the value is no number where one is counted.
    #[error("{0}")]
    Invalid(String),
    /// It may work later.
    #[error("{0}")]
    Unavailable(String),
}

/// Keys in order, and where the next ones begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// The keys.
    pub keys: Vec<String>,
    /// What to ask for next; nothing, when these were the last.
    pub next: Option<String>,
}

/// Reads and writes keyed state. Every write is durable when it returns, as far as the backend is.
#[async_trait]
pub trait KeyValue: Send + Sync {
    /// The values of keys, in their order.
    async fn get(&self, bucket: &Bucket, keys: &[String]) -> Result<Vec<Option<Bytes>>, KeyValueError>;

    /// Sets values, all or none.
    async fn set(&self, bucket: &Bucket, entries: Vec<(String, Bytes)>) -> Result<(), KeyValueError>;

    /// Forgets keys, all or none.
    async fn delete(&self, bucket: &Bucket, keys: &[String]) -> Result<(), KeyValueError>;

    /// Keys in order, after `after`, at most `most`.
    async fn keys(&self, bucket: &Bucket, after: Option<&str>, most: u32) -> Result<Keys, KeyValueError>;

    /// Adds to a number, atomically, and returns the sum; one that is not there is 0. It is kept as decimal text.
    async fn increment(&self, bucket: &Bucket, key: &str, delta: i64) -> Result<i64, KeyValueError>;

    /// Sets a value if the present one is `expected`, atomically; whether it was.
    async fn swap(
        &self,
        bucket: &Bucket,
        key: &str,
        expected: Option<&Bytes>,
        value: Bytes,
    ) -> Result<bool, KeyValueError>;
}
