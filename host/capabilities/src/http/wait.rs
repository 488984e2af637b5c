//! Waiting for the head of a response, and what its failure means.

use std::{error::Error, time::Duration};

use http::Response;
use hyper::body::Incoming;
use hyper_util::client::legacy::{self, ResponseFuture, connect::CaptureConnection};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use super::error::SendError;

/// When a request last moved: a server that is still being sent to need not answer yet.
pub(super) struct Flow(Mutex<Instant>);

impl Flow {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// A piece of the request went out.
    pub(super) fn moves(&self) {
        *self.0.lock() = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock()
    }
}

/// How long a response may keep its sender waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) connect: Duration,
    pub(super) first_byte: Duration,
}

/// The head of the response, if it comes in time.
pub(super) async fn head(
    mut response: ResponseFuture,
    mut connection: CaptureConnection,
    flow: &Flow,
    patience: Patience,
    most: u64,
) -> Result<Response<Incoming>, SendError> {
    tokio::select! {
        biased;
        head = &mut response => return head.map_err(|error| failed(&error, most)),
        () = is_there(&mut connection) => flow.moves(),
        () = sleep(patience.connect) => return Err(SendError::ConnectTimeout(patience.connect.as_millis())),
    }
    loop {
        let until = flow.last() + patience.first_byte;
        tokio::select! {
            biased;
            head = &mut response => return head.map_err(|error| failed(&error, most)),
            () = sleep_until(until) => {}
        }
        if flow.last() + patience.first_byte <= Instant::now() {
            return Err(SendError::FirstByte(patience.first_byte.as_millis()));
        }
    }
}

async fn is_there(connection: &mut CaptureConnection) {
    drop(connection.wait_for_connection_metadata().await);
}

/// Why there is no response: what this client said itself, or what the connection did.
fn failed(error: &legacy::Error, most: u64) -> SendError {
    let mut cause = error.source();
    while let Some(next) = cause {
        if let Some(own) = next.downcast_ref::<SendError>() {
            return own.clone();
        }
        if let Some(transport) = next.downcast_ref::<hyper::Error>() {
            return if transport.is_parse_too_large() { SendError::ResponseHead(most) } else { broken(transport) };
        }
        cause = next.source();
    }
    SendError::Incomplete(error.to_string())
}

/// What it means that a connection broke.
pub(super) fn broken(error: &hyper::Error) -> SendError {
    let mut cause = error.source();
    while let Some(next) = cause {
        if let Some(own) = next.downcast_ref::<SendError>() {
            return own.clone();
        }
        cause = next.source();
    }
    if error.is_parse() { SendError::Protocol(error.to_string()) } else { SendError::Incomplete(error.to_string()) }
}
