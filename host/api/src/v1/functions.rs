//! Functions in service.

pub(super) mod delete;
pub(super) mod invoke;
pub(super) mod list;
pub(super) mod rollback;
pub(super) mod show;
