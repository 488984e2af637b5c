//! Asking a model.

use std::time::Instant;

use async_trait::async_trait;

use crate::{
    Name,
    call::{InferCall, Prediction},
    model::{LoadError, ModelRef, ModelStats, ScoreError, Signature, Version, VersionId},
};

/// Computes predictions with the version a reference points to at that moment.
#[async_trait]
pub trait Score: Send + Sync {
    /// The version that would answer now.
    fn current(&self, project: &Name, model: &ModelRef) -> Result<Version, ScoreError>;

    /// Asks the model `model` points to.
    async fn infer(
        &self,
        project: &Name,
        model: &ModelRef,
        call: InferCall,
        deadline: Option<Instant>,
    ) -> Result<Prediction, ScoreError>;

    /// Asks one pinned version.
    async fn infer_version(
        &self,
        version: &VersionId,
        call: InferCall,
        deadline: Option<Instant>,
    ) -> Result<Prediction, ScoreError>;

    /// Asks a model that is no version of anything yet, such as a job's input: a file by its digest.
    async fn infer_file(
        &self,
        digest: crate::Digest,
        file: &std::path::Path,
        call: InferCall,
        deadline: Option<Instant>,
    ) -> Result<Vec<crate::tensor::Tensor>, ScoreError>;

    /// What was asked of a model on this host; nothing, where nobody asked.
    fn stats(&self, _project: &Name, _model: &Name) -> Option<ModelStats> {
        None
    }

    /// Loads bytes, runs a sample and reads the signature, without keeping anything.
    async fn verify(&self, format: &str, bytes: bytes::Bytes) -> Result<Signature, LoadError>;
}
