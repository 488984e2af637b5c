//! What a job tells of itself while it runs.

use std::sync::Mutex;

use serde_json::{Map, Value};

use crate::artifact::Kind;

/// Takes what a job tracks. Never waits: an implementation buffers and writes behind.
pub trait Track: Send + Sync {
    /// A parameter the job chose itself.
    fn param(&self, name: &str, value: Value);

    /// A result.
    fn result(&self, name: &str, value: Value);

    /// A metric; NaN is a value like any other.
    fn metric(&self, name: &str, value: f64, at_step: Option<i64>);

    /// How far the job is, from 0 to 1.
    fn progress(&self, fraction: f64, message: &str);

    /// What an output is for and what is in it.
    fn describe(&self, output: &str, kind: Kind, metadata: Value);
}

/// Keeps the results and forgets the rest: for a call outside any run.
#[derive(Debug, Default)]
pub struct NoTrack {
    results: Mutex<Map<String, Value>>,
}

impl NoTrack {
    /// The results so far.
    #[must_use]
    pub fn results(&self) -> Map<String, Value> {
        self.results.lock().map(|it| it.clone()).unwrap_or_default()
    }
}

impl Track for NoTrack {
    fn param(&self, _: &str, _: Value) {}

    fn result(&self, name: &str, value: Value) {
        if let Ok(mut results) = self.results.lock() {
            results.insert(name.to_owned(), value);
        }
    }

    fn metric(&self, _: &str, _: f64, _: Option<i64>) {}

    fn progress(&self, _: f64, _: &str) {}

    fn describe(&self, _: &str, _: Kind, _: Value) {}
}
