//! What a grant allows, a file per right: the engine asks here before it lets a guest reach anything.

pub mod config;
pub mod fetch;
pub mod http;
pub mod keyvalue;
pub mod log;
pub mod model;
pub mod publish;
pub mod secret;
pub mod tcp;
