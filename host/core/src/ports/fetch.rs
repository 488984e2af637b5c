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

/// A URL as people and records may see it: without who asks and without its query, whose values sign it or let in.
#[must_use]
pub fn shown_url(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (address, rest) = url.split_at(end);
    let query = if rest.starts_with('?') { "?…" } else { "" };
    let Some((scheme, after)) = address.split_once("://") else { return format!("{address}{query}") };
    let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_passwords_nor_signatures_are_shown() {
        let signed = "https://ann:secret@data.example:8443/wine.csv?X-Amz-Signature=abc&X-Amz-Date=1#part";
        assert_eq!(shown_url(signed), "https://data.example:8443/wine.csv?…");
        assert_eq!(shown_url("https://data.example/a@b/wine.csv"), "https://data.example/a@b/wine.csv");
        assert_eq!(shown_url("s3://key:secret@bucket/wine.csv"), "s3://bucket/wine.csv");
        assert_eq!(shown_url("http://a@b@c"), "http://c");
        assert_eq!(shown_url("not a url?password=1"), "not a url?…");
    }
}
