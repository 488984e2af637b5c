//! The ways into a component, one file each.

pub(crate) mod events;
pub(crate) mod http;
pub(crate) mod job;

use host_core::event::{Failure, code};
use host_core::function::Entry;

/// The failure of a call through a way in that the component does not have.
fn no_entry(entry: Entry) -> Failure {
    let export = match entry {
        Entry::Http => "wasi:http/incoming-handler",
        Entry::Handler => "weft:function/handler",
        Entry::Job => "wasi:cli/run",
    };
    Failure::invalid(code::WRONG_ENTRY, format!("the component does not export {export}"))
}

/// The failure of a request or batch that is larger than its function takes.
fn too_large(most: host_core::size::ByteSize) -> Failure {
    Failure::invalid(code::TOO_LARGE, format!("it is larger than {most}, which is what limits.max_body allows"))
}
