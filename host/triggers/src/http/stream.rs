//! Bodies on their way in and out: bounded, and noticed when their client goes away.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use ::http::Response;
use axum::body::Body;
use bytes::Bytes;
use host_core::{
    body::{self, BodyError, Unread, Whole},
    budget::{Budget, Part},
};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio_util::sync::DropGuard;

use super::problem::Problem;

/// A request's body for the guest; the engine holds it to the function's `max_body`.
pub(super) fn incoming(body: Body) -> body::Body {
    if body.is_end_stream() {
        return body::empty();
    }
    body.map_err(|_| BodyError::Disconnected).boxed_unsync()
}

/// Reads a whole body of at most `most` bytes, no longer than `longest`.
pub(super) async fn read(body: Body, most: u64, longest: Duration, bodies: &Arc<Budget>) -> Result<Whole, Problem> {
    if body.is_end_stream() {
        return Ok(Whole { bytes: Bytes::new(), held: Part::nothing() });
    }
    let mut reading = std::pin::pin!(body::read(body, most, bodies));
    let read = match soon(reading.as_mut()).await {
        Some(read) => Ok(read),
        None => tokio::time::timeout(longest, reading).await,
    };
    match read {
        Err(_) => Err(Problem::too_slow()),
        Ok(Err(Unread::TooLarge(most))) => Err(Problem::too_large(most)),
        Ok(Err(Unread::Exhausted(exhausted))) => Err(Problem::bodies_full(exhausted)),
        Ok(Err(Unread::Broken)) => Err(Problem::broke_off()),
        Ok(Ok(whole)) => Ok(whole),
    }
}

/// What a future gives at the first or second look. A body that came with its head is there at the second, once the
/// server knows that it is wanted; only for others a timer is worth its price.
async fn soon<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut looked = false;
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if looked => Poll::Ready(None),
        Poll::Pending => {
            looked = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}

/// The guest's response for the client. The call is cancelled when the client goes away before the last byte.
pub(super) fn outgoing(response: Response<body::Body>, guard: DropGuard) -> Response<Body> {
    response.map(|body| {
        if body.is_end_stream() {
            guard.disarm();
            return Body::empty();
        }
        Body::new(Outgoing { body, guard: Some(guard) })
    })
}

struct Outgoing {
    body: body::Body,
    guard: Option<DropGuard>,
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        // A server that knows the length stops asking after the last byte.
        if (frame.is_none() || self.body.is_end_stream())
            && let Some(guard) = self.guard.take()
        {
            guard.disarm();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
