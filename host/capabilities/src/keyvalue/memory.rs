//! State in this process: for tests, and for what may be forgotten.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
};

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{
    ports::{Bucket, KeyValue, KeyValueError, Keys, keyvalue},
    size::ByteSize,
};
use parking_lot::Mutex;

/// What a key costs beside itself and its value.
const OVERHEAD: u64 = 64;

/// State in memory.
pub struct MemoryState {
    most: ByteSize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    buckets: HashMap<Bucket, BTreeMap<String, Bytes>>,
    bytes: u64,
}

impl MemoryState {
    /// Nothing yet, and at most this much.
    #[must_use]
    pub fn new(most: ByteSize) -> Self {
        Self { most, kept: Mutex::default() }
    }

    /// Writes, if there is room for it.
    fn write(&self, kept: &mut Kept, bucket: &Bucket, entries: Vec<(String, Bytes)>) -> Result<(), KeyValueError> {
        let values = kept.buckets.entry(bucket.clone()).or_default();
        let (mut more, mut less) = (0, 0);
        for (key, value) in &entries {
            more += cost(key, value);
            less += values.get(key).map_or(0, |old| cost(key, old));
        }
        let bytes = (kept.bytes + more).saturating_sub(less);
        if bytes > self.most.0 && more > less {
            let told = format!("the state in memory is full: keyvalue.memory allows {}", self.most);
            return Err(KeyValueError::Unavailable(told));
        }
        for (key, value) in entries {
            let cost = cost(&key, &value);
            let old = values.insert(key.clone(), value).map_or(0, |old| self::cost(&key, &old));
            kept.bytes = (kept.bytes + cost).saturating_sub(old);
        }
        Ok(())
    }
}

fn cost(key: &str, value: &Bytes) -> u64 {
    (key.len() + value.len()) as u64 + OVERHEAD
}

impl Kept {
    fn value(&self, bucket: &Bucket, key: &str) -> Option<&Bytes> {
        self.buckets.get(bucket)?.get(key)
    }
}

#[async_trait]
impl KeyValue for MemoryState {
    async fn get(&self, bucket: &Bucket, keys: &[String]) -> Result<Vec<Option<Bytes>>, KeyValueError> {
        let kept = self.kept.lock();
        Ok(keys.iter().map(|key| kept.value(bucket, key).cloned()).collect())
    }

    async fn set(&self, bucket: &Bucket, entries: Vec<(String, Bytes)>) -> Result<(), KeyValueError> {
        self.write(&mut self.kept.lock(), bucket, entries)
    }

    async fn delete(&self, bucket: &Bucket, keys: &[String]) -> Result<(), KeyValueError> {
        let mut kept = self.kept.lock();
        let Some(values) = kept.buckets.get_mut(bucket) else { return Ok(()) };
        let gone: u64 = keys.iter().filter_map(|key| values.remove(key).map(|old| cost(key, &old))).sum();
        if values.is_empty() {
            kept.buckets.remove(bucket);
        }
        kept.bytes = kept.bytes.saturating_sub(gone);
        Ok(())
    }

    async fn keys(&self, bucket: &Bucket, after: Option<&str>, most: u32) -> Result<Keys, KeyValueError> {
        let kept = self.kept.lock();
        let Some(values) = kept.buckets.get(bucket) else { return Ok(Keys::default()) };
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut later = values.range::<str, _>((begin, Bound::Unbounded)).map(|(key, _)| key);
        let keys: Vec<String> = later.by_ref().take(most as usize).cloned().collect();
        let next = later.next().and_then(|_| keys.last().cloned());
        Ok(Keys { keys, next })
    }

    async fn increment(&self, bucket: &Bucket, key: &str, delta: i64) -> Result<i64, KeyValueError> {
        let mut kept = self.kept.lock();
        let sum = keyvalue::add(kept.value(bucket, key).map(AsRef::as_ref), delta)?;
        self.write(&mut kept, bucket, vec![(key.to_owned(), sum.to_string().into())])?;
        Ok(sum)
    }

    async fn swap(
        &self,
        bucket: &Bucket,
        key: &str,
        expected: Option<&Bytes>,
        value: Bytes,
    ) -> Result<bool, KeyValueError> {
        let mut kept = self.kept.lock();
        if kept.value(bucket, key) != expected {
            return Ok(false);
        }
        self.write(&mut kept, bucket, vec![(key.to_owned(), value)])?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use host_core::Name;

    use super::*;

    #[tokio::test]
    async fn what_is_full_takes_no_more_until_something_goes() {
        let state = MemoryState::new(ByteSize(400));
        let bucket = Bucket { project: Name::default_project(), name: "default".parse().unwrap() };
        let set = async |key: &str, size: usize| state.set(&bucket, vec![(key.into(), vec![0; size].into())]).await;
        set("a", 200).await.unwrap();
        let told = set("b", 100).await.unwrap_err();
        assert!(matches!(&told, KeyValueError::Unavailable(it) if it.contains("keyvalue.memory")), "{told}");
        set("a", 100).await.unwrap();
        set("b", 100).await.unwrap();
        state.delete(&bucket, &["a".into(), "b".into()]).await.unwrap();
        assert_eq!(state.kept.lock().bytes, 0);
        set("c", 300).await.unwrap();
    }
}
