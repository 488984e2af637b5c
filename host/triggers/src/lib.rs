//! Where events come from, one file or folder per source; and the supervisor that keeps wanted ones running.

pub mod amqp;
mod board;
mod check;
mod cloudevents;
mod config;
mod handover;
mod happening;
pub mod http;
pub mod kafka;
pub mod models;
mod open;
mod publish;
mod schedule;
mod source;
mod supervisor;

pub use check::Check;
pub use config::Config;
pub use happening::{Happenings, Listeners};
pub use publish::{Publishers, Roads};
pub use source::Rooms;
pub use supervisor::Supervisor;

#[cfg(test)]
mod fakes;
