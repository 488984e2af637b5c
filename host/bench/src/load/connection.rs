//! A keep-alive connection that asks and reads, with as little work of its own as possible.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use bytes::{Buf as _, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::response::{self, Answer};

/// The largest answer that is read.
const MOST: usize = 16 << 20;

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Connection {
    /// Connects to `address`.
    pub(super) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("could not connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::with_capacity(4096) })
    }

    /// Sends `request` and waits for the whole answer, which stays in the buffer until it is forgotten.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await.context("could not send")?;
        loop {
            if self.stream.read_buf(&mut self.buffer).await.context("could not read")? == 0 {
                bail!("the server closed the connection in the middle of an answer");
            }
            if let Some(answer) = response::read(&self.buffer)? {
                return Ok(answer);
            }
            if self.buffer.len() > MOST {
                bail!("the answer has more than {MOST} bytes");
            }
        }
    }

    /// The body of an answer, as it came.
    pub(super) fn body(&self, answer: &Answer) -> &[u8] {
        self.buffer.get(answer.head..answer.length).unwrap_or_default()
    }

    /// Makes room for the next answer.
    pub(super) fn forget(&mut self, answer: &Answer) {
        self.buffer.advance(answer.length.min(self.buffer.len()));
    }
}
