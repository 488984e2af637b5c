//! The versions in memory: one copy of each, shared by all who ask.

use std::sync::Arc;

use bytes::Bytes;
use host_core::{
    Digest,
    model::{LoadError, ScoreError},
    size::ByteSize,
};
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;

use crate::{Config, Session};

/// Loaded versions by digest. A digest names its bytes for ever, so what once failed to load need not be tried again.
#[derive(Debug)]
pub(crate) struct Sessions {
    cache: Cache<Digest, Result<Arc<Session>, LoadError>>,
    loading: Semaphore,
    largest: ByteSize,
    working: ByteSize,
}

impl Sessions {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            cache: Cache::new(config.loaded.max(1)),
            loading: Semaphore::new(config.loading.max(1)),
            largest: config.model_bytes,
            working: config.working_bytes,
        }
    }

    /// How many versions are loaded.
    pub(crate) fn len(&self) -> usize {
        self.cache.len()
    }

    /// The session of a version; loads it from `source` when nobody has, once however many ask.
    pub(crate) async fn get<S>(self: &Arc<Self>, digest: Digest, source: S) -> Result<Arc<Session>, ScoreError>
    where
        S: Future<Output = Result<Bytes, ScoreError>> + Send + 'static,
    {
        let loaded = match self.cache.get(&digest) {
            Some(loaded) => loaded,
            None => self.load(digest, source).await?,
        };
        loaded.map_err(|error| ScoreError::Failed(error.to_string()))
    }

    /// Loads in a task of its own: a caller who gives up does not undo the work, the next one finds it done.
    async fn load<S>(self: &Arc<Self>, digest: Digest, source: S) -> Result<Result<Arc<Session>, LoadError>, ScoreError>
    where
        S: Future<Output = Result<Bytes, ScoreError>> + Send + 'static,
    {
        let sessions = self.clone();
        let task = tokio::spawn(async move {
            let load = async { Ok(sessions.read(source.await?).await.map(Arc::new)) };
            sessions.cache.get_or_insert_async(&digest, load).await
        });
        task.await.map_err(|error| ScoreError::Failed(error.to_string()))?
    }

    /// Loads bytes without keeping them.
    pub(crate) async fn read(&self, bytes: Bytes) -> Result<Session, LoadError> {
        if bytes.len() as u64 > self.largest.0 {
            return Err(LoadError::Corrupt(format!(
                "it has {} bytes; this host loads at most {}",
                bytes.len(),
                self.largest
            )));
        }
        let failed = |error: String| LoadError::Corrupt(format!("loading was interrupted: {error}"));
        let _turn = self.loading.acquire().await.map_err(|error| failed(error.to_string()))?;
        let working = self.working;
        tokio::task::spawn_blocking(move || Session::load_within(&bytes, working))
            .await
            .map_err(|error| failed(error.to_string()))?
    }
}
