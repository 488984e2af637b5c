//! The whole host on a free port, used as people use it: by `fn` and over HTTP.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod bad_input;
mod calls;
mod cases;
mod durability;
mod errors;
mod http;
mod identity;
mod later;
mod models;
mod objects;
mod outgoing;
mod pipelines;
mod postgres;
mod runs;
mod secrets;
mod support;
mod transfer;
