//! Projects.

pub(super) mod list;
