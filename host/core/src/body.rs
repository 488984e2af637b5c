//! The streaming body of HTTP requests and responses on their way through the host.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// More bytes came than the function's `max_body` allows.
    #[error("body is larger than {0} bytes")]
    TooLarge(u64),
    /// The peer went away.
    #[error("peer disconnected")]
    Disconnected,
    /// The guest failed after the head was sent.
    #[error("function failed while it streamed: {0}")]
    Guest(String),
    /// Anything else the transport says.
    #[error("{0}")]
    Other(String),
}

/// A body in either direction: data frames, then perhaps trailers.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, BodyError>;

/// A body without a byte.
#[must_use]
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body of the given bytes.
#[must_use]
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}
