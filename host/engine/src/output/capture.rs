//! A guest's standard output or error, cut into lines as it is written.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use host_core::record::Stream;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::{
    async_trait,
    cli::{IsTerminal, StdoutStream},
    p2::{OutputStream, Pollable, StreamResult},
};

use super::{LINE_BYTES, Lines};

/// How much a guest may write at once.
const CHUNK: usize = 64 << 10;

/// One of the two streams of an instance. The instance may outlive a call, so whose lines they are can change.
#[derive(Clone)]
pub(crate) struct Capture(Arc<Mutex<Pipe>>);

struct Pipe {
    stream: Stream,
    lines: Option<Arc<Lines>>,
    partial: Vec<u8>,
}

impl Capture {
    /// A stream that belongs to no call yet.
    pub(crate) fn new(stream: Stream) -> Self {
        Self(Arc::new(Mutex::new(Pipe { stream, lines: None, partial: Vec::new() })))
    }

    /// From now on, what is written belongs to the call of `lines`.
    pub(crate) fn attach(&self, lines: Arc<Lines>) {
        self.0.lock().lines = Some(lines);
    }

    /// Ends a line that was begun, because the call is over.
    pub(crate) fn flush(&self) {
        let mut pipe = self.0.lock();
        if !pipe.partial.is_empty() {
            pipe.end_line();
        }
    }

    fn take(&self, bytes: &[u8]) {
        self.0.lock().take(bytes);
    }
}

impl Pipe {
    fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            self.keep(&rest[..end]);
            self.end_line();
            rest = &rest[end + 1..];
        }
        self.keep(rest);
    }

    /// Keeps what a line may hold, and one byte more to show that it was cut.
    fn keep(&mut self, bytes: &[u8]) {
        let room = (LINE_BYTES + 1).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.partial);
        if let Some(lines) = &self.lines {
            lines.written(self.stream, &line);
        }
        // The buffer is used again.
        self.partial = line;
        self.partial.clear();
    }
}

impl IsTerminal for Capture {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Capture {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl OutputStream for Capture {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

#[async_trait]
impl Pollable for Capture {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Capture {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
