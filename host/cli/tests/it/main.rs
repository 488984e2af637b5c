//! The whole host on a free port, used as people use it: by `fn` and over HTTP.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod bad_input;
mod batching;
mod calls;
mod cases;
mod chaos;
mod durability;
mod errors;
mod http;
mod identity;
mod javascript;
mod later;
mod library;
mod marketplace;
mod model_streams;
mod models;
mod objects;
mod outgoing;
mod packages;
mod pipelines;
mod postgres;
mod push;
mod runs;
mod schedules;
mod sdk;
mod secrets;
mod servers;
mod state;
mod support;
mod transfer;
mod triggers;
