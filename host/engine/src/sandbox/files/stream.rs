//! Files read and written as streams. A job has a thread of its own, so it may wait for the disk on it.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime_wasi::{
    async_trait,
    p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult},
};

use super::{Content, ErrorCode, Opened, descriptor::read};

/// The most bytes of one read or write.
pub(super) const CHUNK: usize = 256 << 10;

/// A file read from some offset on.
pub(super) struct Reading {
    pub(super) file: Arc<Opened>,
    pub(super) offset: u64,
}

/// A file written from some offset on, or at its end.
pub(super) struct Writing {
    pub(super) file: Arc<Opened>,
    pub(super) content: Arc<Content>,
    pub(super) offset: Option<u64>,
}

#[async_trait]
impl InputStream for Reading {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        let bytes = read(&self.file, self.offset, size.min(CHUNK)).map_err(|error| failed(error.into()))?;
        if bytes.is_empty() {
            return Err(StreamError::Closed);
        }
        self.offset += bytes.len() as u64;
        Ok(bytes.into())
    }
}

#[async_trait]
impl Pollable for Reading {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Writing {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.content.write(&self.file, self.offset, &bytes).map_err(failed)?;
        self.offset = self.offset.map(|offset| offset + bytes.len() as u64);
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
impl Pollable for Writing {
    async fn ready(&mut self) {}
}

/// The guest can ask which code it was.
fn failed(code: ErrorCode) -> StreamError {
    StreamError::LastOperationFailed(code.into())
}
