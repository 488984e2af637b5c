//! Artifacts.

pub(super) mod content;
pub(super) mod list;
pub(super) mod show;
pub(super) mod upload;
