//! The way out, against real sockets and a resolver that lies: where requests may go, and what bounds them.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod bounds;
mod fetching;
mod pooling;
mod ssrf;
mod support;
mod tls;
