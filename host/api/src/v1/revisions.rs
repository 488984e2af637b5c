//! Revisions of a function.

pub(super) mod activate;
mod admit;
pub(super) mod deploy;
pub(super) mod list;
pub(super) mod show;
