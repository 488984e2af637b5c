//! Pipelines.

pub(super) mod check;
