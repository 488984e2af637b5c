//! Calls on record.

pub(super) mod list;
pub(super) mod show;
