//! What the engine does for whoever holds a revision.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    Digest, RevisionId,
    call::{Call, CallContext, Called},
    function::{Entries, Revision},
    grant::{Need, Right, need_of},
    manifest::Manifest,
};

/// What a component is and what it wants, read from its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// The ways in.
    pub entries: Entries,
    /// The interfaces it imports.
    pub imports: Vec<String>,
    /// The interfaces it exports.
    pub exports: Vec<String>,
}

/// Why bytes cannot become a function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// Neither a component nor a core module.
    #[error("it is not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// It is larger than this host compiles.
    #[error("it has {size} bytes, and this host compiles at most {most}")]
    TooLarge {
        /// How large it is.
        size: u64,
        /// How large it may be.
        most: u64,
    },
    /// It exports none of the three entries.
    #[error("it exports none of wasi:http/incoming-handler, weft:function/handler and wasi:cli/run (it exports {0})")]
    NoEntry(String),
    /// It imports an interface that nobody provides.
    #[error("it imports `{0}`, which this host does not provide")]
    UnknownImport(String),
    /// It imports an interface that its manifest does not grant.
    #[error("it imports `{import}`, which function.toml does not grant")]
    NotGranted {
        /// The interface.
        import: String,
        /// The right it needs.
        right: Right,
        /// The line that grants it; absent where this host cannot grant it yet.
        line_to_add: Option<&'static str>,
    },
    /// It does not fit the host's limits, such as its memory or its tables.
    #[error("it does not fit: {0}")]
    DoesNotFit(String),
    /// The compiler refused it.
    #[error("it cannot be compiled: {0}")]
    Compile(String),
    /// Compiling took longer than allowed.
    #[error("compiling it took longer than {0} s")]
    Slow(u64),
    /// Too many components wait to be compiled; try again.
    #[error("the compile queue is full; try again in a moment")]
    Busy,
    /// The component's bytes could not be had, or the cache of compiled code not be written.
    #[error("{0}")]
    Storage(String),
}

/// Whether `manifest` grants what the `imports` of its component need: each is something everyone has, or a right.
///
/// # Errors
/// At the first import that nobody provides, or that the manifest does not grant.
pub fn check_grants<'a>(imports: impl IntoIterator<Item = &'a str>, manifest: &Manifest) -> Result<(), PrepareError> {
    for import in imports {
        match need_of(import) {
            Need::Unknown => return Err(PrepareError::UnknownImport(import.to_owned())),
            Need::Right(right, line_to_add) if !manifest.allows(right) => {
                return Err(PrepareError::NotGranted { import: import.to_owned(), right, line_to_add });
            }
            Need::Nothing | Need::Right(..) => {}
        }
    }
    Ok(())
}

/// Inspects, compiles and calls components.
#[async_trait]
pub trait Invoke: Send + Sync {
    /// Reads what the component in `file` is, without running it.
    async fn inspect(&self, file: &Path) -> Result<Inspection, PrepareError>;

    /// Checks the component of `revision` against its manifest, compiles it unless the cache has it, and loads it.
    /// Nothing is compiled on the way of a call.
    async fn prepare(&self, revision: &Arc<Revision>) -> Result<(), PrepareError>;

    /// Calls `revision`, through the entry that fits the call.
    async fn call(&self, revision: Arc<Revision>, context: CallContext, call: Call) -> Called;

    /// Drops warm instances of a revision that is no longer active; calls in flight finish.
    fn retire(&self, revision: RevisionId);

    /// Whether `component` is compiled and in the cache.
    fn is_prepared(&self, component: &Digest) -> bool;
}
