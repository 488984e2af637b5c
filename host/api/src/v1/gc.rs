//! Taking away what nobody needs any more.

pub(super) mod collect;
