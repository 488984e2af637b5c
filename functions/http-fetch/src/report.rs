//! What is told of a fetch: enough to ask next time only for what has changed.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::fetch::Got;

/// The report on a fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// What was asked for.
    pub(crate) url: String,
    /// What answered, after redirects.
    pub(crate) final_url: String,
    pub(crate) status: u16,
    /// Whether the bytes are others than those of the earlier run.
    pub(crate) modified: bool,
    pub(crate) attempts: u32,
    pub(crate) redirects: u32,
    pub(crate) bytes: usize,
    pub(crate) sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) media_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_modified: Option<String>,
}

impl Report {
    /// On what came; with what is known of the same bytes from before, which an answer without bytes need not repeat.
    pub(crate) fn of(url: &Url, got: &Got, bytes: usize, sha256: String, before: Option<Self>) -> Self {
        let header = |name: &str| got.answer.header(name).map(str::to_owned);
        let modified = before.is_none();
        let (media_type, etag, last_modified) =
            before.map_or((None, None, None), |it| (it.media_type, it.etag, it.last_modified));
        Self {
            url: url.to_string(),
            final_url: got.url.to_string(),
            status: got.answer.status,
            modified,
            attempts: got.attempts,
            redirects: got.redirects,
            bytes,
            sha256,
            media_type: header("content-type").or(media_type),
            etag: header("etag").or(etag),
            last_modified: header("last-modified").or(last_modified),
        }
    }

    /// The header fields that ask only for what has changed since.
    pub(crate) fn conditions(&self) -> Vec<(String, String)> {
        let condition = |name: &str, value: &Option<String>| value.clone().map(|it| (name.to_owned(), it));
        let since = condition("if-modified-since", &self.last_modified);
        condition("if-none-match", &self.etag).into_iter().chain(since).collect()
    }
}

/// The SHA-256 of bytes, in hex.
pub(crate) fn hex_digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a text cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
