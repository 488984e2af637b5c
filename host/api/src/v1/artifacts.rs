//! Artifacts.

pub(super) mod content;
pub(super) mod list;
mod range;
pub(super) mod show;
pub(super) mod upload;
