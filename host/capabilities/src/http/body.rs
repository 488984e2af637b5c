//! The two bodies of an exchange: counted, bounded in size and in time, and never longer alive than their call.

use std::{
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::{
    sync::OwnedSemaphorePermit,
    task::AbortHandle,
    time::{Instant, Sleep, sleep, sleep_until},
};

use super::{
    BoxError,
    error::SendError,
    wait::{Flow, broken},
};

/// Bytes that went one way.
pub(super) type Count = Arc<AtomicU64>;

/// The right to have one more request under way: of the function, and of the host.
pub(super) type Turn = [OwnedSemaphorePermit; 2];

/// The body of a request.
pub(super) struct Upload {
    body: UnsyncBoxBody<Bytes, BoxError>,
    most: u64,
    left: u64,
    over: Option<Pin<Box<Sleep>>>,
    flow: Arc<Flow>,
    count: Count,
}

impl Upload {
    /// A body of at most `most` bytes, that ends in an error when its call is over.
    pub(super) fn new(
        body: UnsyncBoxBody<Bytes, BoxError>,
        most: u64,
        over: Option<Instant>,
        flow: Arc<Flow>,
        count: Count,
    ) -> Self {
        let over = over.map(|when| Box::pin(sleep_until(when)));
        Self { body, most, left: most, over, flow, count }
    }

    fn take(&mut self, bytes: usize) -> Result<(), SendError> {
        let bytes = bytes as u64;
        self.left = self.left.checked_sub(bytes).ok_or(SendError::RequestBody(self.most))?;
        self.count.fetch_add(bytes, Relaxed);
        self.flow.moves();
        Ok(())
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.over.as_mut().is_some_and(|over| over.as_mut().poll(context).is_ready())
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Pending if self.is_over(context) => Poll::Ready(Some(Err(SendError::Over))),
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(SendError::Aborted))),
            Poll::Ready(Some(Ok(frame))) => {
                let taken = self.take(frame.data_ref().map_or(0, Bytes::len));
                Poll::Ready(Some(taken.map(|()| frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a response.
pub struct Download {
    open: Arc<Mutex<Option<Open>>>,
    most: u64,
    left: u64,
    pause: Duration,
    pausing: Option<Pin<Box<Sleep>>>,
    /// Closes the body when its call is over, also where nobody reads it any more.
    watchdog: Option<AbortHandle>,
    has_ended: bool,
    count: Count,
}

/// A response that is not over.
struct Open {
    body: Incoming,
    _turn: Turn,
}

impl Download {
    /// A body of at most `most` bytes with at most `pause` between its pieces, gone when its call is over.
    pub(super) fn new(
        body: Incoming,
        turn: Turn,
        most: u64,
        pause: Duration,
        over: Option<Instant>,
        count: Count,
    ) -> Result<Self, SendError> {
        if body.size_hint().lower() > most {
            return Err(SendError::ResponseBody(most));
        }
        let has_ended = body.is_end_stream();
        let open = Arc::new(Mutex::new((!has_ended).then_some(Open { body, _turn: turn })));
        let watchdog = over.filter(|_| !has_ended).map(|over| {
            let watched = Arc::downgrade(&open);
            tokio::spawn(close_at(over, watched)).abort_handle()
        });
        Ok(Self { open, most, left: most, pause, pausing: None, watchdog, has_ended, count })
    }

    /// Ends the body, and its connection unless it was read to its end.
    fn close(&mut self) {
        self.open.lock().take();
        self.has_ended = true;
        if let Some(watchdog) = self.watchdog.take() {
            watchdog.abort();
        }
    }

    fn poll_open(&self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        match self.open.lock().as_mut() {
            Some(open) => Pin::new(&mut open.body).poll_frame(context).map_err(|error| broken(&error)),
            None => Poll::Ready(Some(Err(SendError::Over))),
        }
    }

    fn take(&mut self, bytes: usize) -> Result<(), SendError> {
        let bytes = bytes as u64;
        self.left = self.left.checked_sub(bytes).ok_or(SendError::ResponseBody(self.most))?;
        self.count.fetch_add(bytes, Relaxed);
        Ok(())
    }

    /// Whether nothing came for too long.
    fn has_paused(&mut self, context: &mut Context<'_>) -> bool {
        let pause = self.pause;
        self.pausing.get_or_insert_with(|| Box::pin(sleep(pause))).as_mut().poll(context).is_ready()
    }
}

async fn close_at(when: Instant, body: Weak<Mutex<Option<Open>>>) {
    sleep_until(when).await;
    if let Some(body) = body.upgrade() {
        body.lock().take();
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = SendError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SendError>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let frame = match self.poll_open(context) {
            Poll::Pending if !self.has_paused(context) => return Poll::Pending,
            Poll::Pending => Some(Err(SendError::BetweenBytes(self.pause.as_millis()))),
            Poll::Ready(Some(Ok(frame))) => {
                self.pausing = None;
                Some(self.take(frame.data_ref().map_or(0, Bytes::len)).map(|()| frame))
            }
            Poll::Ready(other) => other,
        };
        if !matches!(frame, Some(Ok(_))) {
            self.close();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended
    }

    fn size_hint(&self) -> SizeHint {
        self.open.lock().as_ref().map_or_else(|| SizeHint::with_exact(0), |open| open.body.size_hint())
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.close();
    }
}
