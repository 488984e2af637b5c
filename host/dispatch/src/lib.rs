//! The one road to a guest or a model: resolve, admit, call, record; and the release of revisions.

mod admit;
mod bridge;
mod config;
mod dispatcher;
mod endpoints;
#[cfg(test)]
mod fakes;
mod record;
pub mod release;
mod resolve;

pub use config::Config;
pub use dispatcher::{Dispatcher, Parts};
pub use endpoints::Endpoints;
pub use release::Release;
