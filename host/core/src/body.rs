//! The streaming body of HTTP requests and responses on their way through the host.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Empty, Full};

use crate::budget::{Budget, Exhausted, Part};

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

/// A body that was read to its end.
#[derive(Debug)]
pub struct Whole {
    /// What it held.
    pub bytes: Bytes,
    /// Its part of the host's budget. Keep it for as long as the bytes.
    pub held: Part,
}

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It is larger than its reader takes.
    #[error("body is larger than {0} bytes")]
    TooLarge(u64),
    /// The host holds as much of other bodies as it may.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    /// Its sender stopped in the middle.
    #[error("body broke off")]
    Broken,
}

/// Reads a body of at most `most` bytes, and takes them from `budget` as they come: a sender who only announces much
/// holds nothing.
///
/// # Errors
/// When it is too large, does not fit in what is left of the budget, or breaks off.
pub async fn read<B>(mut body: B, most: u64, budget: &Arc<Budget>) -> Result<Whole, Unread>
where
    B: BodyExt<Data = Bytes> + Unpin,
{
    let mut held = budget.part();
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        let size = data.len() as u64;
        if held.held().saturating_add(size) > most {
            return Err(Unread::TooLarge(most));
        }
        held.grow(size)?;
        if first.is_empty() && all.is_empty() {
            // Most bodies come in one piece, which need not be copied.
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
        // One of a known length has no more to say, and would only be asked once more.
        if body.is_end_stream() {
            break;
        }
    }
    let bytes = if all.is_empty() { first } else { all.freeze() };
    Ok(Whole { bytes, held })
}
