//! What the two directions of a request and the guest between them tell one another.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use host_core::event::Failure;

/// The state of one request.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    is_too_large: AtomicBool,
    is_abandoned: AtomicBool,
    failure: OnceLock<String>,
}

impl Exchange {
    pub(super) fn came_in(&self, bytes: usize) {
        self.bytes_in.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn went_out(&self, bytes: usize) {
        self.bytes_out.fetch_add(bytes as u64, Relaxed);
    }

    pub(super) fn bytes_in(&self) -> u64 {
        self.bytes_in.load(Relaxed)
    }

    pub(super) fn bytes_out(&self) -> u64 {
        self.bytes_out.load(Relaxed)
    }

    /// More came in than the function takes.
    pub(super) fn exceed(&self) {
        self.is_too_large.store(true, Relaxed);
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.is_too_large.load(Relaxed)
    }

    /// The client went away.
    pub(super) fn abandon(&self) {
        self.is_abandoned.store(true, Relaxed);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Relaxed)
    }

    /// The guest failed. The first failure is the one to tell.
    pub(super) fn fail(&self, failure: &Failure) {
        self.failure.get_or_init(|| failure.message.clone());
    }

    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }
}
