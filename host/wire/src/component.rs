//! Components and other bytes, by their digest.

use host_core::{Digest, artifact};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Bytes in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Blob {
    /// Their digest.
    #[schema(value_type = String, example = "sha256:…")]
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
}

impl From<artifact::Blob> for Blob {
    fn from(blob: artifact::Blob) -> Self {
        Self { digest: blob.digest, size: blob.size }
    }
}
