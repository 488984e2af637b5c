//! What reads bytes from outside, as functions of bytes: none may panic, and what one accepts must survive a round trip.

mod event;
mod inference;
mod manifest;
mod pipeline;

/// A reader under test.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder in `corpus/`.
    pub name: &'static str,
    /// Reads the bytes; panics when the reader breaks a promise.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 4] = [
    Target { name: "event", run: event::run },
    Target { name: "inference", run: inference::run },
    Target { name: "manifest", run: manifest::run },
    Target { name: "pipeline", run: pipeline::run },
];

/// The target called `name`.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|it| it.name == name)
}
