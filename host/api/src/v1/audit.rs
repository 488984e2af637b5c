//! Who changed what.

pub(super) mod everywhere;
pub(super) mod list;
