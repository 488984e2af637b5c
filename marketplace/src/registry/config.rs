//! The bounds of a registry.

use std::path::PathBuf;

use host_core::size::{ByteSize, Millis};
use serde::{Deserialize, Serialize};

/// What a registry takes at most, how long it waits, and what it offers by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The largest manifest that is taken.
    pub max_manifest: ByteSize,
    /// The largest blob that is taken.
    pub max_blob: ByteSize,
    /// How many uploads may be open at once, and of how many the bytes may be coming in.
    pub max_uploads: usize,
    /// How long an upload may lie there before it is forgotten.
    pub upload_age: Millis,
    /// How long the bytes of an upload may pause.
    pub upload_pause: Millis,
    /// How long the cases of a version may take altogether.
    pub cases_time: Millis,
    /// How often pulls are added up, and what waits to be checked is looked at again.
    pub every: Millis,
    /// The folder of the library that is offered as `std`; where none is named, one beside the program. `none` offers none.
    pub library: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_manifest: ByteSize(4 << 20),
            max_blob: ByteSize(1 << 30),
            max_uploads: 64,
            upload_age: Millis(3_600_000),
            upload_pause: Millis(30_000),
            cases_time: Millis(300_000),
            every: Millis(5_000),
            library: None,
        }
    }
}
