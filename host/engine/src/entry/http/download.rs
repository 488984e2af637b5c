//! The body of a response on its way out of a guest.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use host_core::body::{self, Body, BodyError};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::oneshot;
use wasmtime_wasi_http::{Error, p2::body::HyperOutgoingBody};

use super::Exchange;

type Frames = Vec<Result<Frame<Bytes>, Error>>;

/// All frames of a body whose guest is done; the body itself, when it has no end yet.
pub(super) fn drain(mut body: HyperOutgoingBody) -> Result<Frames, HyperOutgoingBody> {
    let mut frames = Vec::new();
    loop {
        match body.frame().now_or_never() {
            Some(Some(frame)) => frames.push(frame),
            Some(None) => return Ok(frames),
            None if frames.is_empty() => return Err(body),
            None => return Err(rest_of(frames, body)),
        }
    }
}

/// The body again, after some of its frames were taken out.
fn rest_of(frames: Frames, body: HyperOutgoingBody) -> HyperOutgoingBody {
    let first = stream::iter(frames);
    let rest = stream::unfold(body, |mut body| async move { Some((body.frame().await?, body)) });
    StreamBody::new(futures_util::StreamExt::chain(first, rest)).boxed_unsync()
}

/// A body of these frames, and how many bytes it has; an error when the guest broke it off.
pub(super) fn whole(frames: Frames) -> Result<(Body, u64), String> {
    let frames: Result<Vec<_>, _> = frames.into_iter().collect();
    let frames = frames.map_err(|error| format!("it broke off its own response: {error}"))?;
    let size = frames.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum();
    if !frames.iter().all(Frame::is_data) {
        let frames = stream::iter(frames.into_iter().map(Ok));
        return Ok((StreamBody::new(frames).boxed_unsync(), size));
    }
    // In one piece its length is known. A guest can leave only a few pieces behind, so joining them is cheap.
    let mut pieces = frames.into_iter().filter_map(|frame| frame.into_data().ok());
    let first = pieces.next().unwrap_or_default();
    let joined = pieces.fold(first, |whole, piece| Bytes::from([whole, piece].concat()));
    Ok((if joined.is_empty() { body::empty() } else { body::full(joined) }, size))
}

/// A response's body that its guest still writes.
pub(super) struct Download {
    body: HyperOutgoingBody,
    exchange: Arc<Exchange>,
    over: Option<oneshot::Sender<()>>,
}

impl Download {
    /// `over` hears when the last byte is out, or the client gone.
    pub(super) fn new(body: HyperOutgoingBody, exchange: Arc<Exchange>, over: oneshot::Sender<()>) -> Self {
        Self { body, exchange, over: Some(over) }
    }

    pub(super) fn boxed(self) -> Body {
        self.boxed_unsync()
    }

    /// What the end of the body means: an abandoned one ends like any other, so the guest's fate decides.
    fn end(&mut self) -> Option<Result<Frame<Bytes>, BodyError>> {
        self.over();
        if self.exchange.is_too_large() {
            return Some(Err(BodyError::TooLarge(self.exchange.bytes_in())));
        }
        self.exchange.failure().map(|why| Err(BodyError::Guest(why.to_owned())))
    }

    fn over(&mut self) {
        if let Some(over) = self.over.take() {
            // The call may be over already.
            let _ = over.send(());
        }
    }
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.over.is_none() {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            None => self.end(),
            Some(Err(error)) => {
                let why = self.exchange.failure().map_or_else(|| error.to_string(), str::to_owned);
                self.over();
                Some(Err(BodyError::Guest(why)))
            }
            Some(Ok(frame)) => {
                self.exchange.went_out(frame.data_ref().map_or(0, Bytes::len));
                Some(Ok(frame))
            }
        })
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if self.over.is_some() {
            self.exchange.abandon();
            self.over();
        }
    }
}
