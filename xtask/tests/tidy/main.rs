//! The rules of the house, as tests. Each rule says what to do about it; each exception carries its reason.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod compose;
mod dependencies;
mod files;
mod licences;
mod members;
mod workspace;
