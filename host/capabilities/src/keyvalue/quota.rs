//! How much a bucket may hold: measured now and then, and what is written in between is added.
//!
//! Measuring reads the whole bucket where it is in a database, so nobody measures for every write. What is overwritten
//! counts twice until the next time; several hosts may together go beyond by what each has not measured yet.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{
    ports::{Bucket, KeyValue, KeyValueError, Keys},
    size::ByteSize,
};
use parking_lot::Mutex;

/// A bucket that is full is measured again no sooner than this.
const AGAIN: Duration = Duration::from_secs(1);
/// What was measured counts for so long at most: others write as well.
const FRESH: Duration = Duration::from_secs(300);
/// Of how many buckets the size is known at most.
const MOST_KNOWN: usize = 10_000;
/// The longest text of a number.
const NUMBER: usize = 20;

/// State of which each bucket holds so much and no more.
pub struct Quota {
    backend: Arc<dyn KeyValue>,
    most: ByteSize,
    known: Mutex<HashMap<Bucket, Measured>>,
}

/// What is known of a bucket.
#[derive(Debug, Clone, Copy)]
struct Measured {
    /// As it was measured, and what was written since.
    bytes: u64,
    at: Instant,
}

/// What an entry counts for.
fn cost(key: &str, value: usize) -> u64 {
    (key.len() + value) as u64
}

impl Quota {
    /// The state of `backend`, at most so much of it in each bucket.
    #[must_use]
    pub fn new(backend: Arc<dyn KeyValue>, most: ByteSize) -> Self {
        Self { backend, most, known: Mutex::default() }
    }

    /// Lets so many bytes more in, unless the bucket is full.
    async fn admit(&self, bucket: &Bucket, more: u64) -> Result<(), KeyValueError> {
        match self.add(bucket, more) {
            Room::Enough => return Ok(()),
            Room::None => return Err(self.full(bucket)),
            Room::Unknown => {}
        }
        let Some(bytes) = self.backend.size(bucket).await? else { return Ok(()) };
        let mut known = self.known.lock();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        let fits = bytes.saturating_add(more) <= self.most.0;
        let bytes = if fits { bytes + more } else { bytes };
        known.insert(bucket.clone(), Measured { bytes, at: Instant::now() });
        if fits { Ok(()) } else { Err(self.full(bucket)) }
    }

    /// Something went, so that there may be room: the next who finds none measures.
    fn forget(&self, bucket: &Bucket) {
        let mut known = self.known.lock();
        if known.get(bucket).is_some_and(|it| it.bytes > self.most.0 / 2) {
            known.remove(bucket);
        }
    }

    fn add(&self, bucket: &Bucket, more: u64) -> Room {
        let mut known = self.known.lock();
        let Some(it) = known.get_mut(bucket) else { return Room::Unknown };
        let age = it.at.elapsed();
        if it.bytes.saturating_add(more) > self.most.0 {
            return if age < AGAIN { Room::None } else { Room::Unknown };
        }
        if age > FRESH {
            return Room::Unknown;
        }
        it.bytes += more;
        Room::Enough
    }

    fn full(&self, bucket: &Bucket) -> KeyValueError {
        let (name, most) = (&bucket.name, self.most);
        KeyValueError::Unavailable(format!("the bucket `{name}` is full: keyvalue.bucket allows {most}; delete keys"))
    }
}

/// Whether there is room.
enum Room {
    Enough,
    None,
    Unknown,
}

#[async_trait]
impl KeyValue for Quota {
    async fn get(&self, bucket: &Bucket, keys: &[String]) -> Result<Vec<Option<Bytes>>, KeyValueError> {
        self.backend.get(bucket, keys).await
    }

    async fn set(&self, bucket: &Bucket, entries: Vec<(String, Bytes)>) -> Result<(), KeyValueError> {
        self.admit(bucket, entries.iter().map(|(key, value)| cost(key, value.len())).sum()).await?;
        self.backend.set(bucket, entries).await
    }

    async fn delete(&self, bucket: &Bucket, keys: &[String]) -> Result<(), KeyValueError> {
        self.backend.delete(bucket, keys).await?;
        self.forget(bucket);
        Ok(())
    }

    async fn keys(&self, bucket: &Bucket, after: Option<&str>, most: u32) -> Result<Keys, KeyValueError> {
        self.backend.keys(bucket, after, most).await
    }

    async fn increment(&self, bucket: &Bucket, key: &str, delta: i64) -> Result<i64, KeyValueError> {
        self.admit(bucket, cost(key, NUMBER)).await?;
        self.backend.increment(bucket, key, delta).await
    }

    async fn swap(
        &self,
        bucket: &Bucket,
        key: &str,
        expected: Option<&Bytes>,
        value: Bytes,
    ) -> Result<bool, KeyValueError> {
        self.admit(bucket, cost(key, value.len())).await?;
        self.backend.swap(bucket, key, expected, value).await
    }

    async fn size(&self, bucket: &Bucket) -> Result<Option<u64>, KeyValueError> {
        self.backend.size(bucket).await
    }
}

#[cfg(test)]
mod tests {
    use host_core::Name;

    use super::*;

    /// A bucket of some size, and how often it was measured.
    #[derive(Default)]
    struct Fixed(Mutex<(u64, u32)>);

    #[async_trait]
    impl KeyValue for Fixed {
        async fn get(&self, _: &Bucket, _: &[String]) -> Result<Vec<Option<Bytes>>, KeyValueError> {
            Ok(Vec::new())
        }

        async fn set(&self, _: &Bucket, _: Vec<(String, Bytes)>) -> Result<(), KeyValueError> {
            Ok(())
        }

        async fn delete(&self, _: &Bucket, _: &[String]) -> Result<(), KeyValueError> {
            Ok(())
        }

        async fn keys(&self, _: &Bucket, _: Option<&str>, _: u32) -> Result<Keys, KeyValueError> {
            Ok(Keys::default())
        }

        async fn increment(&self, _: &Bucket, _: &str, _: i64) -> Result<i64, KeyValueError> {
            Ok(0)
        }

        async fn swap(&self, _: &Bucket, _: &str, _: Option<&Bytes>, _: Bytes) -> Result<bool, KeyValueError> {
            Ok(true)
        }

        async fn size(&self, _: &Bucket) -> Result<Option<u64>, KeyValueError> {
            let mut it = self.0.lock();
            it.1 += 1;
            Ok(Some(it.0))
        }
    }

    #[tokio::test]
    async fn a_full_bucket_takes_nothing_until_something_goes_and_is_seldom_measured() {
        let bucket = Bucket { project: Name::default_project(), name: "counts".parse().unwrap() };
        let backend = Arc::new(Fixed::default());
        let quota = Quota::new(backend.clone(), ByteSize(100));
        let set = async |size: usize| quota.set(&bucket, vec![("k".to_owned(), vec![0; size - 1].into())]).await;
        for _ in 0..10 {
            set(10).await.unwrap();
        }
        assert_eq!(backend.0.lock().1, 1, "what is written is added, not measured");
        backend.0.lock().0 = 100;
        quota.delete(&bucket, &[]).await.unwrap();
        let told = set(1).await.unwrap_err().to_string();
        assert!(told.contains("`counts` is full") && told.contains("keyvalue.bucket"), "{told}");
        assert!(
            quota.increment(&bucket, "n", 1).await.is_err()
                && quota.swap(&bucket, "n", None, Bytes::new()).await.is_err()
        );
        assert_eq!(backend.0.lock().1, 2, "nor is a full one measured for everybody");
        backend.0.lock().0 = 50;
        quota.delete(&bucket, &[]).await.unwrap();
        set(50).await.unwrap();
    }
}
