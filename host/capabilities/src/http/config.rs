//! The bounds on outgoing requests: every one has its name here.

use std::path::PathBuf;

use host_core::size::{ByteSize, Millis};
use serde::{Deserialize, Serialize};

/// How outgoing requests are bounded, and whom TLS trusts beside the machine's own roots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long looking up a name, connecting and agreeing on TLS may take together, and waiting for a turn.
    pub connect: Millis,
    /// How long to wait for the head of a response once the request has stopped moving.
    pub first_byte: Millis,
    /// How long to wait for the next piece of a response.
    pub between_bytes: Millis,
    /// The most bytes of one request's body.
    pub request_body: ByteSize,
    /// The most bytes of one response's body.
    pub response_body: ByteSize,
    /// The most bytes of header fields, in a request and in a response.
    pub head: ByteSize,
    /// Requests of all functions that may be under way at once.
    pub in_flight: usize,
    /// Requests of one function that may be under way at once.
    pub per_function: usize,
    /// Connections that may be open at once, those kept for later included.
    pub connections: usize,
    /// Connections that one function may have open at once.
    pub connections_per_function: usize,
    /// How long a connection is kept for the next request.
    pub idle: Millis,
    /// Connections kept per function and destination.
    pub idle_connections: usize,
    /// A PEM file of root certificates to trust beside the machine's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roots: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect: Millis(10_000),
            first_byte: Millis(60_000),
            between_bytes: Millis(60_000),
            request_body: ByteSize(1 << 30),
            response_body: ByteSize(1 << 30),
            head: ByteSize(64 << 10),
            in_flight: 512,
            per_function: 64,
            connections: 1024,
            connections_per_function: 128,
            idle: Millis(30_000),
            idle_connections: 8,
            roots: None,
        }
    }
}

/// The bounds on one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// As in [`Config::connect`].
    pub connect: Millis,
    /// As in [`Config::first_byte`].
    pub first_byte: Millis,
    /// As in [`Config::between_bytes`].
    pub between_bytes: Millis,
    /// As in [`Config::request_body`].
    pub request_body: ByteSize,
    /// As in [`Config::response_body`].
    pub response_body: ByteSize,
}

impl Config {
    /// What holds for one request of a function.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            connect: self.connect,
            first_byte: self.first_byte,
            between_bytes: self.between_bytes,
            request_body: self.request_body,
            response_body: self.response_body,
        }
    }
}
