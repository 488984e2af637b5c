//! The way out, against real sockets and a resolver that lies: where requests may go, and what bounds them; and the
//! backends of keyed state that are here.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod bounds;
mod fetching;
mod keyvalue;
mod pooling;
mod ssrf;
#[path = "../../../core/tests/suites/keyvalue.rs"]
mod suite;
mod support;
mod tls;
