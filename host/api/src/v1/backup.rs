//! The whole installation as one file.

pub(super) mod create;
