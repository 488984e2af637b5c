//! Where packages are looked for: the host you talk to, and the sources you keep beside your contexts.
//!
//! They are kept with the person, not with a project: the machine that pulls is theirs, and so are the credentials.

mod kept;
mod shelf;
mod web;

pub(crate) use kept::{Kept, Login, Sources};
pub(crate) use shelf::{HOST, Shelf, check_scheme, find, open, open_all};
