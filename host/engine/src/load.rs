//! The one place that loads machine code from disk.

use std::path::Path;

use wasmtime::{Engine, component::Component};

/// Maps compiled code that this host wrote itself.
///
/// Only [`crate::compile::Cache`] calls this, for a file in its own folder whose digest it has just compared with the
/// one it noted when it wrote it. Files there are created whole and renamed into place, never written to again.
#[expect(
    unsafe_code,
    reason = "the host's own compiled code, verified by its digest, is trusted as the host itself is"
)]
pub(crate) fn load(engine: &Engine, file: &Path) -> wasmtime::Result<Component> {
    // SAFETY: see above; wasmtime checks in addition that the code was made by this release for this CPU.
    unsafe { Component::deserialize_file(engine, file) }
}
