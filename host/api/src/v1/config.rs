//! The configuration.

pub(super) mod show;
