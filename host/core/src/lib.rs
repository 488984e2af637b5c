//! The words and rules of Weft: names, events, manifests, grants, runs, models and the ports between rooms. No IO.

pub mod artifact;
pub mod body;
pub mod budget;
pub mod call;
pub mod clock;
pub mod depth;
pub mod digest;
pub mod event;
pub mod function;
pub mod grant;
pub mod id;
pub mod identity;
pub mod manifest;
pub mod mask;
pub mod model;
pub mod name;
pub mod package;
pub mod page;
pub mod pipeline;
pub mod ports;
pub mod range;
pub mod record;
pub mod retry;
pub mod run;
pub mod schedule;
pub mod size;
pub mod tensor;
pub mod trust;

pub use digest::Digest;
pub use id::{CallId, RevisionId, RunId};
pub use name::Name;
