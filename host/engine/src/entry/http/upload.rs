//! The body of a request on its way into a guest: counted, and cut off where it grows too large.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use host_core::body::{Body, BodyError};
use http_body::{Frame, SizeHint};
use wasmtime_wasi_http::Error;

use super::Exchange;

/// A request's body.
pub(super) struct Upload {
    body: Body,
    left: u64,
    exchange: Arc<Exchange>,
}

impl Upload {
    pub(super) fn new(body: Body, most: u64, exchange: Arc<Exchange>) -> Self {
        Self { body, left: most, exchange }
    }

    fn take(&mut self, bytes: usize) -> Result<(), Error> {
        self.exchange.came_in(bytes);
        match self.left.checked_sub(bytes as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self.broken(&BodyError::TooLarge(0))),
        }
    }

    fn broken(&self, error: &BodyError) -> Error {
        match error {
            BodyError::TooLarge(_) => {
                self.exchange.exceed();
                Error::HttpRequestBodySize(Some(self.exchange.bytes_in()))
            }
            BodyError::Disconnected => {
                self.exchange.abandon();
                Error::ConnectionTerminated
            }
            BodyError::Guest(why) | BodyError::Other(why) => Error::InternalError(Some(why.clone())),
        }
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(self.broken(&error)))),
            Some(Ok(frame)) => frame,
        };
        let taken = self.take(frame.data_ref().map_or(0, Bytes::len));
        Poll::Ready(Some(taken.map(|()| frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
