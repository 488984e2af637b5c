//! Outgoing HTTP: what a function may ask of the world, and the client that asks for it.
//!
//! A [`Policy`] is what a manifest grants; it is checked before anything is looked up, and every address that a name
//! leads to is checked before anything is connected. A [`Reach`] is one function's way out: its policy, its bounds and
//! the connections it keeps, which no other function ever uses.

mod address;
mod body;
mod client;
mod config;
mod connect;
mod error;
mod head;
mod policy;
mod resolve;
mod tls;
mod wait;
mod wire;

pub use address::{Addresses, Forbidden, Needs, check_address};
pub use body::Download;
pub use client::{Client, Options, Reach, Totals};
pub use config::{Config, Limits};
pub use error::{ClientError, SendError};
pub use policy::{Passage, Policy, Refusal};
pub use resolve::{Resolve, SystemResolver};

/// What went wrong with a body, whoever wrote it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
