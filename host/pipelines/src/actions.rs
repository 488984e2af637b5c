//! What a step can do, a file per action.

pub(crate) mod call;
pub(crate) mod deploy;
pub(crate) mod event;
pub(crate) mod function;
pub(crate) mod notify;
pub(crate) mod promote_model;
pub(crate) mod register_model;
pub(crate) mod request;
