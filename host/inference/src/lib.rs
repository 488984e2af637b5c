//! Loaded model versions: it knows tensors, not wasmtime.
//!
//! [`Session`] is one loaded version, [`LoadedModels`] all of them: it answers the port [`host_core::ports::Score`].

mod codec;
mod compute;
mod config;
mod file;
mod guard;
mod joined;
mod loaded;
mod operators;
mod session;
mod sessions;
mod stats;

pub use config::Config;
pub use loaded::{LoadedModels, Status};
pub use session::{Cost, Session};

/// What computes, with its version: scores are comparable between hosts that say the same.
pub const BACKEND: &str = concat!("tract 0.23.9, host-inference ", env!("CARGO_PKG_VERSION"));
