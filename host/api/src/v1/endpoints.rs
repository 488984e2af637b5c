//! Endpoints: names under which models are served.

pub(super) mod list;
pub(super) mod serve;
