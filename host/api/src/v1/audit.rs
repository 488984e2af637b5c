//! Who changed what.

pub(super) mod list;
