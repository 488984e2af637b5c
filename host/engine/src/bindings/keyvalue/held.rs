//! What a guest of `wasi:keyvalue` holds, and what it may do with it, whichever draft it speaks.

use std::sync::Arc;

use bytes::Bytes;
use host_capabilities::{keyvalue, log::clean};
use host_core::ports::{Bucket, KeyValue, KeyValueError, Keys};
use wasmtime::component::Resource;

use crate::guest::Guest;

/// How many keys are listed at once.
pub(super) const PAGE: u32 = 1_000;

/// The most bytes of a reason: the guest may be given many.
const REASON_BYTES: usize = 500;

/// An open bucket.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings name it in public signatures")]
pub struct Opened {
    pub(super) bucket: Bucket,
    /// The number of the last page that was listed by number, and its last key.
    pub(super) page: Option<(u64, String)>,
}

/// A value as it was seen, to be swapped.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings name it in public signatures")]
pub struct Seen {
    pub(super) bucket: Bucket,
    pub(super) key: String,
    pub(super) value: Option<Bytes>,
}

impl Seen {
    /// How much memory it takes.
    fn bytes(&self) -> u64 {
        (self.key.len() + self.value.as_ref().map_or(0, Bytes::len)) as u64
    }
}

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Denied {
    /// The manifest grants no such bucket.
    NoSuchStore,
    /// Anything else.
    Other(String),
}

/// An answer or the reason why not; or a trap.
pub(super) type Asked<T> = wasmtime::Result<Result<T, Denied>>;

impl Guest {
    /// Where state is kept.
    pub(super) fn state(&self) -> Arc<dyn KeyValue> {
        self.current.services.state.clone()
    }

    /// Opens a bucket that is granted. Of another the function's log says how to grant it.
    pub(super) fn open_bucket(&mut self, identifier: &str) -> Asked<Resource<Opened>> {
        let revision = &self.current.revision;
        let Some(name) = keyvalue::granted(&revision.manifest.grants, identifier) else {
            self.current.lines().note(&keyvalue::advice(&revision.manifest.grants, identifier));
            return Ok(Err(Denied::NoSuchStore));
        };
        let bucket = Bucket { project: revision.project.clone(), name: name.clone() };
        Ok(Ok(self.table.push(Opened { bucket, page: None })?))
    }

    /// The values of keys, in their order.
    pub(super) async fn read(&mut self, bucket: &Resource<Opened>, keys: &[String]) -> Asked<Vec<Option<Bytes>>> {
        let (state, bucket) = (self.state(), self.table.get(bucket)?.bucket.clone());
        let done = state.get(&bucket, keys).await;
        Ok(self.told(done))
    }

    pub(super) async fn read_one(&mut self, bucket: &Resource<Opened>, key: String) -> Asked<Option<Bytes>> {
        Ok(self.read(bucket, &[key]).await?.map(|mut values| values.pop().flatten()))
    }

    pub(super) async fn write(&mut self, bucket: &Resource<Opened>, entries: Vec<(String, Vec<u8>)>) -> Asked<()> {
        let (state, bucket) = (self.state(), self.table.get(bucket)?.bucket.clone());
        let entries = entries.into_iter().map(|(key, value)| (key, value.into())).collect();
        let done = state.set(&bucket, entries).await;
        Ok(self.told(done))
    }

    pub(super) async fn forget(&mut self, bucket: &Resource<Opened>, keys: Vec<String>) -> Asked<()> {
        let (state, bucket) = (self.state(), self.table.get(bucket)?.bucket.clone());
        let done = state.delete(&bucket, &keys).await;
        Ok(self.told(done))
    }

    pub(super) async fn list(&mut self, bucket: &Resource<Opened>, after: Option<&str>, most: u32) -> Asked<Keys> {
        let (state, bucket) = (self.state(), self.table.get(bucket)?.bucket.clone());
        let done = state.keys(&bucket, after, most).await;
        Ok(self.told(done))
    }

    pub(super) async fn count(&mut self, bucket: &Resource<Opened>, key: &str, delta: i64) -> Asked<i64> {
        let (state, bucket) = (self.state(), self.table.get(bucket)?.bucket.clone());
        let done = state.increment(&bucket, key, delta).await;
        Ok(self.told(done))
    }

    /// Keeps the present value for the guest: all it saw takes no more memory than the guest may have itself.
    pub(super) async fn see(&mut self, bucket: Bucket, key: String) -> Asked<Resource<Seen>> {
        let read = self.state().get(&bucket, std::slice::from_ref(&key)).await;
        let value = match self.told(read) {
            Ok(mut values) => values.pop().flatten(),
            Err(denied) => return Ok(Err(denied)),
        };
        let seen = Seen { bucket, key, value };
        let (held, most) = (self.state_bytes.saturating_add(seen.bytes()), self.limiter.most());
        if held > most {
            wasmtime::bail!("it holds more than {most} bytes of values, which is what limits.memory allows");
        }
        let seen = self.table.push(seen)?;
        self.state_bytes = held;
        Ok(Ok(seen))
    }

    /// Takes a value back from the guest.
    pub(super) fn let_go(&mut self, seen: Resource<Seen>) -> wasmtime::Result<Seen> {
        let seen = self.table.delete(seen)?;
        self.state_bytes = self.state_bytes.saturating_sub(seen.bytes());
        Ok(seen)
    }

    /// The answer. A store that fails is told on the function's log, too: few guests show their errors.
    pub(super) fn told<T>(&self, result: Result<T, KeyValueError>) -> Result<T, Denied> {
        result.map_err(|error| {
            if matches!(error, KeyValueError::Unavailable(_)) {
                self.current.lines().note(&format!("state could not be used: {error}"));
            }
            Denied::Other(clean(&error.to_string(), REASON_BYTES))
        })
    }
}
