//! Fetching what a pipeline names by URL.

use async_trait::async_trait;

use super::ArtifactStream;

/// Why a URL could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The host does not fetch such URLs.
    #[error("`{url}` cannot be fetched: {reason}")]
    Refused {
        /// The URL.
        url: String,
        /// Why.
        reason: String,
    },
    /// The server said no; asking again will not help.
    #[error("`{url}` answered {status}")]
    Status {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// It may work later.
    #[error("`{url}` could not be reached: {reason}")]
    Unreachable {
        /// The URL.
        url: String,
        /// Why.
        reason: String,
    },
}

/// Fetches a URL as a stream of bytes.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Fetches `url`, following no more than a few redirects.
    async fn fetch(&self, url: &str) -> Result<ArtifactStream, FetchError>;
}
