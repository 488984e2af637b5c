//! Where events come from, one file or folder per source; and the supervisor that keeps wanted ones running.

mod board;
mod cloudevents;
mod handover;
pub mod http;
mod source;

pub use source::Rooms;
