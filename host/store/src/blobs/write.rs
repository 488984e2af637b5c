//! Writing: the digest is computed on the way, and only whole and right bytes ever get their name.

mod afar;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use host_core::{
    Digest,
    artifact::Blob,
    ports::{ArtifactError, ArtifactStream, Artifacts as _},
};
use object_store::{ObjectStoreExt as _, PutMode, PutOptions, PutPayload, WriteMultipart, path::Path as Key};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{ArtifactStore, Place, broken, cache::Draft, key};
use crate::gc::Kept;

/// Up to this many bytes are gathered in memory and written at once; more go to the disk as they come.
const PART: usize = 8 << 20;
/// How many parts may be on their way at once.
const PARALLEL: usize = 4;
/// How often bytes are written anew that were being taken away at the same time.
const ATTEMPTS: usize = 3;

/// Bytes on their way in.
enum Incoming {
    /// In memory.
    Gathered { parts: Vec<Bytes>, size: usize },
    /// In a file of the store's folder, to be renamed.
    Uploading { name: Key, upload: WriteMultipart },
    /// In a file of this machine, to be sent once their digest is known: they go under their name at once, and nothing
    /// has to be moved where moving is copying.
    Drafted(Draft),
}

impl ArtifactStore {
    pub(super) async fn write_stream(
        &self,
        mut stream: ArtifactStream,
        most: u64,
        expected: Option<Digest>,
    ) -> Result<Blob, ArtifactError> {
        let mut incoming = Incoming::Gathered { parts: Vec::new(), size: 0 };
        let (mut hash, mut size) = (Sha256::new(), 0u64);
        loop {
            let chunk = match stream.try_next().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(error) => return incoming.give_up(error).await,
            };
            size = size.saturating_add(chunk.len() as u64);
            if size > most {
                return incoming.give_up(ArtifactError::TooLarge(most)).await;
            }
            hash.update(&chunk);
            incoming = self.take(incoming, chunk).await?;
        }
        let digest = Digest::from_raw(hash.finalize().into());
        if let Some(expected) = expected.filter(|it| *it != digest) {
            return incoming.give_up(ArtifactError::Damaged { expected, actual: digest }).await;
        }
        self.name(incoming, Blob { digest, size }).await
    }

    pub(super) async fn write_whole(&self, parts: Vec<Bytes>) -> Result<Blob, ArtifactError> {
        let size = parts.iter().map(|it| it.len() as u64).sum();
        let whole = parts.clone();
        let digest = tokio::task::spawn_blocking(move || {
            let mut hash = Sha256::new();
            whole.iter().for_each(|part| hash.update(part));
            Digest::from_raw(hash.finalize().into())
        });
        let digest = digest.await.map_err(|error| ArtifactError::Storage(error.to_string()))?;
        self.create(Blob { digest, size }, parts).await
    }

    async fn take(&self, incoming: Incoming, chunk: Bytes) -> Result<Incoming, ArtifactError> {
        let begun = match incoming {
            Incoming::Gathered { mut parts, size } if size + chunk.len() <= PART => {
                let size = size + chunk.len();
                parts.push(chunk);
                return Ok(Incoming::Gathered { parts, size });
            }
            Incoming::Gathered { parts, .. } => self.begin(parts).await?,
            begun => begun,
        };
        match begun {
            Incoming::Uploading { name, mut upload } => {
                if let Err(error) = upload.wait_for_capacity(PARALLEL).await {
                    // The first error is the one to tell; clearing away may well fail for the same reason.
                    let _ = upload.abort().await;
                    return Err(self.storage(&error));
                }
                upload.put(chunk);
                Ok(Incoming::Uploading { name, upload })
            }
            Incoming::Drafted(mut draft) => {
                draft.write(&chunk).await.map_err(|error| broken(&error))?;
                Ok(Incoming::Drafted(draft))
            }
            gathered @ Incoming::Gathered { .. } => Ok(gathered),
        }
    }

    /// What was gathered goes to the disk.
    async fn begin(&self, parts: Vec<Bytes>) -> Result<Incoming, ArtifactError> {
        if let Place::Afar(cache) = &self.inner.place {
            let mut draft = cache.draft().await.map_err(|error| broken(&error))?;
            for part in parts {
                draft.write(&part).await.map_err(|error| broken(&error))?;
            }
            return Ok(Incoming::Drafted(draft));
        }
        let name = Key::from(format!("incoming/{}", Uuid::now_v7()));
        let upload = self.objects().put_multipart(&name).await.map_err(|error| self.storage(&error))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        parts.into_iter().for_each(|part| upload.put(part));
        Ok(Incoming::Uploading { name, upload })
    }

    /// Gives bytes that are all there their name.
    async fn name(&self, incoming: Incoming, blob: Blob) -> Result<Blob, ArtifactError> {
        match incoming {
            Incoming::Gathered { parts, .. } => self.create(blob, parts).await,
            Incoming::Drafted(draft) => self.send_draft(draft, blob).await,
            Incoming::Uploading { name, upload } => {
                if self.is_kept(&blob).await? {
                    // What is there already is a success, and clearing away a copy is no reason to fail.
                    let _ = upload.abort().await;
                    return Ok(blob);
                }
                upload.finish().await.map_err(|error| self.storage(&error))?;
                // Replaces nothing, or bytes that are damaged.
                self.objects().rename(&name, &key(&blob.digest)).await.map_err(|error| self.storage(&error))?;
                if !self.is_unknown(&blob).await? {
                    self.is_kept(&blob).await?;
                }
                Ok(blob)
            }
        }
    }

    /// Writes bytes under their digest unless they are there; bytes of another size there are damaged, and replaced.
    async fn create(&self, blob: Blob, parts: Vec<Bytes>) -> Result<Blob, ArtifactError> {
        let payload = PutPayload::from_iter(parts);
        for _ in 0..ATTEMPTS {
            let is_new = self.create_once(&blob, &payload).await?;
            if (is_new && self.is_unknown(&blob).await?) || self.is_kept(&blob).await? {
                self.keep_copy(&blob, &payload).await;
                return Ok(blob);
            }
        }
        Err(taken_away(&blob))
    }

    /// Whether they were written, and not there already.
    async fn create_once(&self, blob: &Blob, payload: &PutPayload) -> Result<bool, ArtifactError> {
        let key = key(&blob.digest);
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.objects().put_opts(&key, payload.clone(), create).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) if self.has(blob).await? => Ok(false),
            // Damaged bytes; or the answer was lost, perhaps after it was done. The same bytes are written again either
            // way, and that is tried as often as it takes.
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Generic { .. }) => {
                let replaced = self.objects().put(&key, payload.clone()).await;
                replaced.map(|_| true).map_err(|error| self.failed(&blob.digest, &error))
            }
            Err(error) => Err(self.failed(&blob.digest, &error)),
        }
    }

    /// Whether bytes of this digest and size are there.
    async fn has(&self, blob: &Blob) -> Result<bool, ArtifactError> {
        Ok(self.size(&blob.digest).await? == Some(blob.size))
    }

    /// Whether nobody has anything on record of bytes that were just written; then they are young, and stay.
    async fn is_unknown(&self, blob: &Blob) -> Result<bool, ArtifactError> {
        let Some(keeper) = self.inner.keeper.get() else { return Ok(true) };
        keeper.is_unknown(&blob.digest).await.map_err(|error| ArtifactError::Storage(error.to_string()))
    }

    /// Whether they are there, and nobody is about to take them away.
    async fn is_kept(&self, blob: &Blob) -> Result<bool, ArtifactError> {
        if !self.has(blob).await? {
            return Ok(false);
        }
        let Some(keeper) = self.inner.keeper.get() else { return Ok(true) };
        let kept = keeper.renew(&blob.digest).await.map_err(|error| ArtifactError::Storage(error.to_string()))?;
        Ok(kept == Kept::Still)
    }
}

impl Incoming {
    /// Clears away what came so far.
    async fn give_up<T>(self, error: ArtifactError) -> Result<T, ArtifactError> {
        if let Self::Uploading { upload, .. } = self {
            // What cannot be cleared away now is at the next start.
            let _ = upload.abort().await;
        }
        Err(error)
    }
}

fn taken_away(blob: &Blob) -> ArtifactError {
    ArtifactError::Storage(format!("artifact {} was taken away while it was stored; store it again", blob.digest))
}
