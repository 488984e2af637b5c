//! Archives on their way to a client, written by a thread that may wait for files.

use std::io::{self, Write};

use axum::{body::Body, response::Response};
use bytes::{Bytes, BytesMut};
use host_store::{Summary, TransferError};
use http::{HeaderValue, header};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;

use crate::{AppState, problem::Problem};

/// How much is sent at once.
const PIECE: usize = 64 << 10;
/// How many pieces may wait for a slow client.
const WAITING: usize = 16;

/// What is written, piece by piece. Whoever writes waits for the client.
pub(crate) struct Out {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    piece: BytesMut,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = self.piece.split().freeze();
        self.pieces.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// A place among those who are sent much; whoever has none comes back later.
pub(crate) fn place(state: &AppState) -> Result<OwnedSemaphorePermit, Problem> {
    let place = state.followers().clone().try_acquire_owned();
    place.map_err(|_| Problem::busy("this host sends as much at a time as it may"))
}

/// A response whose body `write` writes. It breaks off when that fails.
pub(crate) fn respond<F>(place: OwnedSemaphorePermit, name: &'static str, write: impl FnOnce(Out) -> F) -> Response
where
    F: Future<Output = Result<Summary, TransferError>> + Send + 'static,
{
    let (pieces, receiver) = mpsc::channel(WAITING);
    let writing = write(Out { pieces: pieces.clone(), piece: BytesMut::new() });
    tokio::spawn(async move {
        if let Err(error) = writing.await {
            tracing::error!(%error, name, "an archive could not be written to its end");
            // The client is told by a body that ends too early.
            let _ = pieces.send(Err(io::Error::other(error.to_string()))).await;
        }
        drop(place);
    });
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(receiver)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/gzip"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}
