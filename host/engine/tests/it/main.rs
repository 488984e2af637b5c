//! The engine with real guests: what every kind of call gives, and what every kind of misbehaviour costs.
//!
//! The guests are those of `sdk/conformance`, built by `cargo xtask guests`.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod concurrent;
mod events;
mod http;
mod jobs;
mod models;
mod pools;
mod prepare;
mod support;
