//! A guest's standard output or error, cut into lines as it is written.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
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

use super::LINE_BYTES;
use crate::current::Current;

/// How much a guest may write at once.
const CHUNK: usize = 64 << 10;

/// One of the two streams of an instance. The instance may outlive a call, so whose lines they are can change.
#[derive(Clone)]
pub(crate) struct Capture {
    stream: Stream,
    shared: Arc<Shared>,
}

/// What both streams of an instance share.
struct Shared {
    /// Whether something was written since the lines were ended last. Most calls write nothing.
    is_written: AtomicBool,
    pipes: Mutex<Pipes>,
}

/// Both streams, which belong to the same call.
struct Pipes {
    current: Option<Arc<Current>>,
    output: Vec<u8>,
    error: Vec<u8>,
}

impl Capture {
    /// Standard output and standard error, which belong to no call yet.
    pub(crate) fn both() -> (Self, Self) {
        let pipes = Mutex::new(Pipes { current: None, output: Vec::new(), error: Vec::new() });
        let shared = Arc::new(Shared { is_written: AtomicBool::new(false), pipes });
        let error = Self { stream: Stream::Stderr, shared: shared.clone() };
        (Self { stream: Stream::Stdout, shared }, error)
    }

    /// From now on, what is written to either stream belongs to this call.
    pub(crate) fn attach(&self, current: Arc<Current>) {
        let before = self.shared.pipes.lock().current.replace(current);
        drop(before);
    }

    /// Ends the lines that were begun on either stream, because the call is over.
    pub(crate) fn flush(&self) {
        if !self.shared.is_written.load(Ordering::Relaxed) {
            return;
        }
        let mut pipes = self.shared.pipes.lock();
        self.shared.is_written.store(false, Ordering::Relaxed);
        for stream in [Stream::Stdout, Stream::Stderr] {
            if !pipes.partial(stream).is_empty() {
                pipes.end_line(stream);
            }
        }
    }

    fn take(&self, bytes: &[u8]) {
        let mut pipes = self.shared.pipes.lock();
        self.shared.is_written.store(true, Ordering::Relaxed);
        pipes.take(self.stream, bytes);
    }
}

impl Pipes {
    fn partial(&mut self, stream: Stream) -> &mut Vec<u8> {
        if stream == Stream::Stderr { &mut self.error } else { &mut self.output }
    }

    fn take(&mut self, stream: Stream, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            self.keep(stream, &rest[..end]);
            self.end_line(stream);
            rest = &rest[end + 1..];
        }
        self.keep(stream, rest);
    }

    /// Keeps what a line may hold, and one byte more to show that it was cut.
    fn keep(&mut self, stream: Stream, bytes: &[u8]) {
        let partial = self.partial(stream);
        let room = (LINE_BYTES + 1).saturating_sub(partial.len());
        partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self, stream: Stream) {
        let mut line = std::mem::take(self.partial(stream));
        if let Some(current) = &self.current {
            current.lines().written(stream, &line);
        }
        // The buffer is used again.
        line.clear();
        *self.partial(stream) = line;
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
