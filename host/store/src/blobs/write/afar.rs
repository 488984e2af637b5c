//! Sending a file to where artifacts are kept: in parts, a few at a time, to its end whoever still waits for it.

use std::path::PathBuf;

use futures_util::TryStreamExt as _;
use host_core::{artifact::Blob, ports::ArtifactError};
use object_store::{ObjectStoreExt as _, PutPayload, WriteMultipart};

use super::{super::read::file_stream, ATTEMPTS, ArtifactStore, PARALLEL, PART, Place, broken, key, taken_away};
use crate::blobs::cache::Draft;

impl ArtifactStore {
    /// Sends a draft under its digest unless the bytes are there; it stays as the copy that is read next.
    pub(super) async fn send_draft(&self, mut draft: Draft, blob: Blob) -> Result<Blob, ArtifactError> {
        draft.finish().await.map_err(|error| broken(&error))?;
        for _ in 0..ATTEMPTS {
            if self.is_kept(&blob).await? {
                self.keep_draft(draft, &blob).await;
                return Ok(blob);
            }
            draft = self.send(draft, blob.clone()).await?;
            if self.is_unknown(&blob).await? {
                self.keep_draft(draft, &blob).await;
                return Ok(blob);
            }
        }
        if self.is_kept(&blob).await? { Ok(blob) } else { Err(taken_away(&blob)) }
    }

    /// In a task of its own: were it dropped half-way, the parts that were sent would lie there for good.
    async fn send(&self, draft: Draft, blob: Blob) -> Result<Draft, ArtifactError> {
        let this = self.clone();
        let sending = tokio::spawn(async move {
            this.send_parts(draft.path().to_owned(), &blob).await?;
            Ok(draft)
        });
        sending.await.map_err(|error| ArtifactError::Storage(error.to_string()))?
    }

    async fn send_parts(&self, file: PathBuf, blob: &Blob) -> Result<(), ArtifactError> {
        let mut pieces = file_stream(&file).await?;
        let upload = self.objects().put_multipart(&key(&blob.digest)).await.map_err(|error| self.storage(&error))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        let filled = async {
            while let Some(piece) = pieces.try_next().await? {
                upload.wait_for_capacity(PARALLEL).await.map_err(|error| self.storage(&error))?;
                upload.put(piece);
            }
            Ok(())
        };
        if let Err(error) = filled.await {
            // The first error is the one to tell; clearing away may well fail for the same reason.
            let _ = upload.abort().await;
            return Err(error);
        }
        upload.finish().await.map(drop).map_err(|error| self.storage(&error))
    }

    /// The draft becomes the copy that is read next. That it does not is no reason to fail.
    async fn keep_draft(&self, draft: Draft, blob: &Blob) {
        let Place::Afar(cache) = &self.inner.place else { return };
        if let Err(error) = cache.keep(draft, blob.digest).await {
            tracing::debug!(digest = %blob.digest, %error, "what was stored could not be kept in the cache");
        }
    }

    /// Keeps what was in memory as a copy.
    pub(super) async fn keep_copy(&self, blob: &Blob, payload: &PutPayload) {
        let Place::Afar(cache) = &self.inner.place else { return };
        if cache.take(&blob.digest).is_some() {
            return;
        }
        match cache.draft().await {
            Ok(mut draft) => {
                for bytes in payload {
                    if draft.write(bytes).await.is_err() {
                        return;
                    }
                }
                self.keep_draft(draft, blob).await;
            }
            Err(error) => tracing::debug!(%error, "what was stored could not be kept in the cache"),
        }
    }
}
