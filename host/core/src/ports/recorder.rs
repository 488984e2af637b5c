//! Records of calls and log lines, off the hot path.

use crate::record::{CallRecord, LogLine, Tally};

/// Takes records. Never waits: what cannot be kept is dropped and counted.
pub trait Recorder: Send + Sync {
    /// Adds a call to the exact totals. Never dropped.
    fn tally(&self, tally: Tally);

    /// Keeps the record of a call.
    fn call(&self, record: CallRecord);

    /// Keeps a log line, and shows it to whoever follows.
    fn log(&self, line: LogLine);

    /// How many records and lines were dropped since the start.
    fn dropped(&self) -> u64;
}

/// Forgets everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRecorder;

impl Recorder for NoRecorder {
    fn tally(&self, _: Tally) {}

    fn call(&self, _: CallRecord) {}

    fn log(&self, _: LogLine) {}

    fn dropped(&self) -> u64 {
        0
    }
}
