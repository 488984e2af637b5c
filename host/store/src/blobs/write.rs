//! Writing: the digest is computed on the way, and only whole and right bytes ever get their name.

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

use super::{ArtifactStore, failed, key};
use crate::error::causes;

/// Up to this many bytes are gathered in memory and written at once; more go to the store as they come.
const PART: usize = 8 << 20;
/// How many parts may be on their way at once.
const PARALLEL: usize = 4;

/// Bytes on their way in.
enum Incoming {
    Gathered { parts: Vec<Bytes>, size: usize },
    Uploading { name: Key, upload: WriteMultipart },
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
        let (name, mut upload) = match incoming {
            Incoming::Gathered { mut parts, size } if size + chunk.len() <= PART => {
                let size = size + chunk.len();
                parts.push(chunk);
                return Ok(Incoming::Gathered { parts, size });
            }
            Incoming::Gathered { parts, .. } => {
                let name = Key::from(format!("incoming/{}", Uuid::now_v7()));
                let upload = self.objects().put_multipart(&name).await.map_err(storage)?;
                let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
                parts.into_iter().for_each(|part| upload.put(part));
                (name, upload)
            }
            Incoming::Uploading { name, upload } => (name, upload),
        };
        if let Err(error) = upload.wait_for_capacity(PARALLEL).await {
            // The first error is the one to tell; clearing away may well fail for the same reason.
            let _ = upload.abort().await;
            return Err(storage(error));
        }
        upload.put(chunk);
        Ok(Incoming::Uploading { name, upload })
    }

    /// Gives bytes that are all there their name.
    async fn name(&self, incoming: Incoming, blob: Blob) -> Result<Blob, ArtifactError> {
        let (name, upload) = match incoming {
            Incoming::Gathered { parts, .. } => return self.create(blob, parts).await,
            Incoming::Uploading { name, upload } => (name, upload),
        };
        if self.has(&blob).await? {
            // What is there already is a success, and clearing away a copy is no reason to fail.
            let _ = upload.abort().await;
            return Ok(blob);
        }
        upload.finish().await.map_err(storage)?;
        // Replaces nothing, or bytes that are damaged.
        self.objects().rename(&name, &key(&blob.digest)).await.map_err(storage)?;
        Ok(blob)
    }

    /// Writes bytes under their digest unless they are there; bytes of another size there are damaged, and replaced.
    async fn create(&self, blob: Blob, parts: Vec<Bytes>) -> Result<Blob, ArtifactError> {
        let (key, payload) = (key(&blob.digest), PutPayload::from_iter(parts));
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.objects().put_opts(&key, payload.clone(), create).await {
            Ok(_) => {}
            Err(object_store::Error::AlreadyExists { .. }) if self.has(&blob).await? => {}
            Err(object_store::Error::AlreadyExists { .. }) => {
                self.objects().put(&key, payload).await.map_err(|error| failed(&blob.digest, &error))?;
            }
            Err(error) => return Err(failed(&blob.digest, &error)),
        }
        Ok(blob)
    }

    /// Whether bytes of this digest and size are there.
    async fn has(&self, blob: &Blob) -> Result<bool, ArtifactError> {
        Ok(self.size(&blob.digest).await? == Some(blob.size))
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

fn storage(error: object_store::Error) -> ArtifactError {
    ArtifactError::Storage(causes(&error))
}
