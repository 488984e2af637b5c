//! The one road to a guest or a model.

use async_trait::async_trait;

use crate::call::{Call, CallContext, Called, Target};

/// Resolves the target, admits the call, makes it, records it.
#[async_trait]
pub trait Dispatch: Send + Sync {
    /// Calls `target`. Everything that can go wrong is in [`Called::reply`], with these codes of the host:
    /// `not-found` (invalid), `overloaded` and `unavailable` (transient), `deadline`, `trap`, ….
    async fn call(&self, target: Target, context: CallContext, call: Call) -> Called;
}
