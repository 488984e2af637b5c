//! Requests to the whole router, with the real store in memory, the real dispatcher, and a guest and models that do
//! what they are told.

mod auth;
mod functions;
mod host;
mod inference;
mod protocol;
mod records;
mod registry;
mod runs;
mod triggers;
