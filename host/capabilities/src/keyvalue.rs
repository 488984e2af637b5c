//! Keyed state: which buckets a function may open, what may be kept in them, and where.

use std::{fmt, str::FromStr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{
    Name,
    grant::Grants,
    ports::{
        Bucket, KeyValue, KeyValueError, Keys,
        keyvalue::{check_key, check_value},
    },
    size::{ByteSize, Millis},
};
use serde::{Deserialize, Serialize};

mod memory;
mod quota;
mod redis;

pub use memory::MemoryState;
pub use quota::Quota;
pub use redis::RedisState;

/// The bucket behind an empty identifier, which other hosts use for the one they offer.
const DEFAULT: &str = "default";
/// The most keys of one call.
pub const MOST_KEYS: usize = 1_000;
/// The most bytes of values that one call reads.
pub const MOST_READ: usize = 16 << 20;
/// How many values are read at once, so that only so many are in memory beyond [`MOST_READ`].
const AT_ONCE: usize = 32;

/// Where state is kept, and its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `sql`, `memory` or `redis://host:port/database`.
    pub backend: Backend,
    /// How much may be kept in memory, where it is kept there.
    pub memory: ByteSize,
    /// How much one bucket may hold in a database or in Redis, about; what comes beyond is refused until something goes.
    pub bucket: ByteSize,
    /// How long an answer of Redis is waited for. Databases have `store.patience`.
    pub patience: Millis,
}

impl Default for Config {
    fn default() -> Self {
        Self { backend: Backend::Sql, memory: ByteSize(64 << 20), bucket: ByteSize(1 << 30), patience: Millis(5_000) }
    }
}

/// Where state is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Backend {
    /// Beside everything else, in SQLite or Postgres.
    Sql,
    /// In this process; gone with it.
    Memory,
    /// In a Redis at this address, which holds no password.
    Redis(String),
}

/// Why a text names no backend. It never repeats what could be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBackend {
    /// Nothing is called so.
    #[error("this is no place for state: use sql, memory or redis://host:6379/0")]
    Unknown,
    /// A password has no place in an address.
    #[error("an address of Redis holds no password: set the variable WEFT_REDIS_PASSWORD")]
    Password,
}

impl FromStr for Backend {
    type Err = InvalidBackend;

    fn from_str(text: &str) -> Result<Self, InvalidBackend> {
        match text {
            "sql" => return Ok(Self::Sql),
            "memory" => return Ok(Self::Memory),
            _ => {}
        }
        let url = url::Url::parse(text).ok().filter(|it| it.scheme() == "redis" && it.has_host());
        match url.ok_or(InvalidBackend::Unknown)? {
            url if url.password().is_some() || url.query().is_some() => Err(InvalidBackend::Password),
            _ => Ok(Self::Redis(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Backend {
    type Error = InvalidBackend;

    fn try_from(text: String) -> Result<Self, InvalidBackend> {
        text.parse()
    }
}

impl From<Backend> for String {
    fn from(backend: Backend) -> Self {
        backend.to_string()
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql => f.write_str("sql"),
            Self::Memory => f.write_str("memory"),
            Self::Redis(address) => f.write_str(address),
        }
    }
}

/// The bucket that a guest calls `identifier`; `None` when its manifest grants none of that name.
#[must_use]
pub fn granted<'a>(grants: &'a Grants, identifier: &str) -> Option<&'a Name> {
    let name = if identifier.is_empty() { DEFAULT } else { identifier };
    grants.keyvalue.iter().find(|it| it.as_str() == name)
}

/// What to say of a bucket that is not granted, with the line that would grant it.
#[must_use]
pub fn advice(grants: &Grants, identifier: &str) -> String {
    let name = if identifier.is_empty() { DEFAULT } else { identifier };
    let Ok(name) = name.parse::<Name>() else {
        return "a bucket that cannot be granted was asked for: its name is no name".to_owned();
    };
    let names = grants.keyvalue.iter().chain([&name]).map(|it| format!("\"{it}\""));
    let line = names.collect::<Vec<_>>().join(", ");
    format!("the bucket `{name}` is not granted: write keyvalue = [{line}] under [grants]")
}

/// State that is bounded before it reaches its backend, whichever that is.
pub struct Bounded(Arc<dyn KeyValue>);

impl Bounded {
    /// The state of `backend`.
    #[must_use]
    pub fn new(backend: Arc<dyn KeyValue>) -> Self {
        Self(backend)
    }
}

fn check_keys<'a>(count: usize, mut keys: impl Iterator<Item = &'a String>) -> Result<(), KeyValueError> {
    if count > MOST_KEYS {
        return Err(KeyValueError::Invalid(format!("{count} keys at once; {MOST_KEYS} are allowed")));
    }
    keys.try_for_each(|key| check_key(key))
}

#[async_trait]
impl KeyValue for Bounded {
    async fn get(&self, bucket: &Bucket, keys: &[String]) -> Result<Vec<Option<Bytes>>, KeyValueError> {
        check_keys(keys.len(), keys.iter())?;
        let (mut values, mut bytes) = (Vec::with_capacity(keys.len()), 0);
        for some in keys.chunks(AT_ONCE) {
            let read = self.0.get(bucket, some).await?;
            bytes += read.iter().flatten().map(Bytes::len).sum::<usize>();
            if bytes > MOST_READ {
                let told = format!("the values have more than {} together: ask for fewer", ByteSize(MOST_READ as u64));
                return Err(KeyValueError::Invalid(told));
            }
            values.extend(read);
        }
        Ok(values)
    }

    async fn set(&self, bucket: &Bucket, entries: Vec<(String, Bytes)>) -> Result<(), KeyValueError> {
        check_keys(entries.len(), entries.iter().map(|(key, _)| key))?;
        entries.iter().try_for_each(|(_, value)| check_value(value))?;
        if entries.is_empty() { Ok(()) } else { self.0.set(bucket, entries).await }
    }

    async fn delete(&self, bucket: &Bucket, keys: &[String]) -> Result<(), KeyValueError> {
        check_keys(keys.len(), keys.iter())?;
        if keys.is_empty() { Ok(()) } else { self.0.delete(bucket, keys).await }
    }

    async fn keys(&self, bucket: &Bucket, after: Option<&str>, most: u32) -> Result<Keys, KeyValueError> {
        if let Some(after) = after {
            check_key(after)?;
        }
        self.0.keys(bucket, after, most).await
    }

    async fn increment(&self, bucket: &Bucket, key: &str, delta: i64) -> Result<i64, KeyValueError> {
        check_key(key)?;
        self.0.increment(bucket, key, delta).await
    }

    async fn swap(
        &self,
        bucket: &Bucket,
        key: &str,
        expected: Option<&Bytes>,
        value: Bytes,
    ) -> Result<bool, KeyValueError> {
        check_key(key)?;
        check_value(&value)?;
        self.0.swap(bucket, key, expected, value).await
    }
}

#[cfg(test)]
mod tests {
    use host_core::manifest::Manifest;

    use super::*;

    fn grants(text: &str) -> Grants {
        Manifest::parse(&format!("name = \"x\"\n[grants]\n{text}\n")).unwrap().grants
    }

    #[test]
    fn only_granted_buckets_open_and_the_empty_name_is_the_default_one() {
        let both = grants("keyvalue = [\"default\", \"counts\"]");
        assert_eq!(granted(&both, "counts").unwrap().as_str(), "counts");
        assert_eq!(granted(&both, "").unwrap().as_str(), "default");
        assert!(["other", "../counts", "Counts"].iter().all(|it| granted(&both, it).is_none()));
        assert!(granted(&grants("keyvalue = [\"counts\"]"), "").is_none());
    }

    #[test]
    fn advice_is_a_line_to_paste() {
        let some = grants("keyvalue = [\"counts\"]");
        assert!(advice(&some, "seen").ends_with("write keyvalue = [\"counts\", \"seen\"] under [grants]"));
        assert!(advice(&Grants::default(), "").ends_with("write keyvalue = [\"default\"] under [grants]"));
        assert!(!advice(&some, "../../etc\n").contains("etc"));
    }

    #[test]
    fn a_backend_is_named_and_never_by_a_password() {
        for text in ["sql", "memory", "redis://cache:6379/2", "redis://weft@cache"] {
            assert_eq!(text.parse::<Backend>().unwrap().to_string(), text);
        }
        assert_eq!("redis://weft:hunter22@cache".parse::<Backend>(), Err(InvalidBackend::Password));
        assert_eq!("redis://cache?password=x".parse::<Backend>(), Err(InvalidBackend::Password));
        for text in ["", "redis", "rediss://cache", "file:///tmp", "postgres://x"] {
            assert_eq!(text.parse::<Backend>(), Err(InvalidBackend::Unknown), "{text}");
        }
    }

    fn bounded() -> (Bounded, Bucket) {
        let bucket = Bucket { project: Name::default_project(), name: "default".parse().unwrap() };
        (Bounded::new(Arc::new(MemoryState::new(ByteSize(1 << 30)))), bucket)
    }

    #[tokio::test]
    async fn one_call_reads_and_writes_so_much_and_no_more() {
        let (state, bucket) = bounded();
        let keys: Vec<String> = (0..=MOST_KEYS).map(|it| it.to_string()).collect();
        assert!(state.get(&bucket, &keys).await.is_err() && state.delete(&bucket, &keys).await.is_err());
        assert_eq!(state.get(&bucket, &keys[1..]).await.unwrap().len(), MOST_KEYS);
        for key in &keys[..17] {
            state.set(&bucket, vec![(key.clone(), vec![0; 1 << 20].into())]).await.unwrap();
        }
        assert!(state.get(&bucket, &keys[..16]).await.is_ok());
        let told = state.get(&bucket, &keys[..17]).await.unwrap_err().to_string();
        assert!(told.contains("more than 16"), "{told}");
        assert!(state.set(&bucket, vec![("k".into(), vec![0; (1 << 20) + 1].into())]).await.is_err());
        assert!(state.swap(&bucket, "", None, Bytes::new()).await.is_err());
        assert!(state.increment(&bucket, "a\0", 1).await.is_err());
    }
}
