//! A connection whose first bytes must come in time: until they did, nobody knows which HTTP it speaks, and none of
//! the timers of either runs.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// What a client that speaks HTTP/2 begins with. Anything else is HTTP/1.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Up to this, the pieces of an answer are cheaper to join than to hand to the system one by one.
const SMALL: usize = 1 << 10;

/// A connection that fails unless its client shows soon which HTTP it speaks.
pub(super) struct Opening<S> {
    stream: S,
    /// Running until that is clear.
    waiting: Option<Pin<Box<Sleep>>>,
    /// How much of the preface was there so far.
    seen: usize,
}

impl<S> Opening<S> {
    pub(super) fn new(stream: S, longest: Duration) -> Self {
        Self { stream, waiting: Some(Box::pin(tokio::time::sleep(longest))), seen: 0 }
    }

    /// Takes note of bytes that came.
    fn see(&mut self, bytes: &[u8]) {
        let rest = PREFACE.get(self.seen..).unwrap_or_default();
        if bytes.len() < rest.len() && rest.starts_with(bytes) {
            self.seen += bytes.len();
        } else {
            self.waiting = None;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let Some(waiting) = &mut self.waiting else { return read };
        if read.is_ready() {
            self.see(buffer.filled().get(before..).unwrap_or_default());
            return read;
        }
        waiting.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let size: usize = pieces.iter().map(|it| it.len()).sum();
        if pieces.len() > 1 && size <= SMALL {
            return Pin::new(&mut self.stream).poll_write(cx, join(pieces, &mut [0; SMALL]));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The pieces in one; together they are at most as long as `room`.
fn join<'r>(pieces: &[io::IoSlice<'_>], room: &'r mut [u8]) -> &'r [u8] {
    let mut end = 0;
    for piece in pieces {
        room[end..end + piece.len()].copy_from_slice(piece);
        end += piece.len();
    }
    &room[..end]
}
