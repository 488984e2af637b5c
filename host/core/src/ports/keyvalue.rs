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

impl KeyValueError {
    /// Nobody keeps this many bytes under that key.
    fn too_long(what: &str, bytes: usize, most: usize) -> Self {
        Self::Invalid(format!("{what} has {bytes} bytes; {most} are allowed"))
    }
}

/// Whether every backend can keep something under `key`.
///
/// # Errors
/// When it is empty, too long, or holds a NUL, which not every database knows.
pub fn check_key(key: &str) -> Result<(), KeyValueError> {
    match key.len() {
        0 => Err(KeyValueError::Invalid("a key is empty".into())),
        long if long > LONGEST_KEY => Err(KeyValueError::too_long("a key", long, LONGEST_KEY)),
        _ if key.contains('\0') => Err(KeyValueError::Invalid("a key holds the character NUL".into())),
        _ => Ok(()),
    }
}

/// Whether a value may be kept.
///
/// # Errors
/// When it is too large.
pub fn check_value(value: &[u8]) -> Result<(), KeyValueError> {
    match value.len() {
        large if large > LARGEST_VALUE => Err(KeyValueError::too_long("a value", large, LARGEST_VALUE)),
        _ => Ok(()),
    }
}

/// The sum of what is kept and `delta`, as every backend counts: decimal text without sign or zeros that say nothing.
///
/// # Errors
/// When what is kept is no such number, or the sum is beyond 64 bits.
pub fn add(kept: Option<&[u8]>, delta: i64) -> Result<i64, KeyValueError> {
    let number = match kept {
        None => Some(0),
        Some(bytes) => {
            let text = std::str::from_utf8(bytes).ok();
            text.and_then(|text| text.parse::<i64>().ok().filter(|number| number.to_string() == text))
        }
    };
    let number = number.ok_or_else(not_a_number)?;
    number.checked_add(delta).ok_or_else(|| KeyValueError::Invalid("the sum has more than 64 bits".into()))
}

/// What is told of a value that nobody can count on.
#[must_use]
pub fn not_a_number() -> KeyValueError {
    KeyValueError::Invalid("the value is no whole number of 64 bits".into())
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

    /// About how many bytes a bucket holds; `None` where the backend bounds itself.
    async fn size(&self, _bucket: &Bucket) -> Result<Option<u64>, KeyValueError> {
        Ok(None)
    }
}

/// Keeps nothing: a host without state.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKeyValue;

impl NoKeyValue {
    fn refuse<T>() -> Result<T, KeyValueError> {
        Err(KeyValueError::Unavailable("this host keeps no state".into()))
    }
}

#[async_trait]
impl KeyValue for NoKeyValue {
    async fn get(&self, _: &Bucket, _: &[String]) -> Result<Vec<Option<Bytes>>, KeyValueError> {
        Self::refuse()
    }

    async fn set(&self, _: &Bucket, _: Vec<(String, Bytes)>) -> Result<(), KeyValueError> {
        Self::refuse()
    }

    async fn delete(&self, _: &Bucket, _: &[String]) -> Result<(), KeyValueError> {
        Self::refuse()
    }

    async fn keys(&self, _: &Bucket, _: Option<&str>, _: u32) -> Result<Keys, KeyValueError> {
        Self::refuse()
    }

    async fn increment(&self, _: &Bucket, _: &str, _: i64) -> Result<i64, KeyValueError> {
        Self::refuse()
    }

    async fn swap(&self, _: &Bucket, _: &str, _: Option<&Bytes>, _: Bytes) -> Result<bool, KeyValueError> {
        Self::refuse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_backend_could_keep_is_refused() {
        assert!(check_key("order/7 \u{1F377}").is_ok() && check_key(&"k".repeat(LONGEST_KEY)).is_ok());
        assert!(check_key("").is_err() && check_key("a\0b").is_err());
        let told = check_key(&"k".repeat(LONGEST_KEY + 1)).unwrap_err().to_string();
        assert_eq!(told, "a key has 1025 bytes; 1024 are allowed");
        assert!(check_value(&vec![0; LARGEST_VALUE]).is_ok() && check_value(&vec![0; LARGEST_VALUE + 1]).is_err());
    }

    #[test]
    fn only_numbers_are_counted_on() {
        assert_eq!(add(None, -3), Ok(-3));
        assert_eq!(add(Some(b"-7"), 8), Ok(1));
        for text in ["", "x", "+1", "007", "-0", " 1", "1.0", "9223372036854775808"] {
            assert_eq!(add(Some(text.as_bytes()), 1), Err(not_a_number()), "{text}");
        }
        let most = i64::MAX.to_string();
        assert!(add(Some(most.as_bytes()), 1).unwrap_err().to_string().contains("64 bits"));
        assert_eq!(add(Some(most.as_bytes()), -1), Ok(i64::MAX - 1));
    }
}
