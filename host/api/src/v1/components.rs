//! Components: the bytes of functions, by their digest.

pub(super) mod head;
pub(super) mod put;
