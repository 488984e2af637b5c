//! What a guest says: its log lines, and its standard output and error cut into lines, up to a bound per call.

use std::collections::VecDeque;

use host_capabilities::log::{clean, fields};
use host_core::{
    call::StepRef,
    mask::Mask,
    record::{Level, LogLine, Stream},
};
use parking_lot::{Mutex, MutexGuard};
use serde_json::Map;

use crate::current::Current;

mod capture;

pub(crate) use capture::Capture;

/// The most bytes of one line; the rest of it is cut off.
const LINE_BYTES: usize = 16 << 10;

/// What a line costs beside its text.
const LINE_OVERHEAD: u64 = 64;

/// How many of the last lines on standard error a failure quotes, and how much of each.
const LAST_LINES: usize = 2;
const LAST_BYTES: usize = 500;

/// The lines of one call: a view of it, because most calls say nothing.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'c>(pub(crate) &'c Current);

/// What is left of a call's bound.
pub(crate) struct Budget(Mutex<Left>);

struct Left {
    lines: u32,
    bytes: u64,
    dropped: u64,
    /// The last lines on standard error: where a program says why it gave up.
    last_words: VecDeque<String>,
}

impl Budget {
    /// So many lines, of so many bytes together.
    pub(crate) fn new(lines: u32, bytes: u64) -> Self {
        Self(Mutex::new(Left { lines, bytes, dropped: 0, last_words: VecDeque::new() }))
    }
}

impl Lines<'_> {
    fn left(&self) -> MutexGuard<'_, Left> {
        self.0.budget.0.lock()
    }

    fn mask(&self) -> &Mask {
        self.0.mask()
    }

    /// Takes a message of the log interface.
    pub(crate) fn log(&self, level: Level, message: &str, given: Vec<(String, String)>) {
        let fields = fields(self.masked(given));
        let size = fields.iter().map(|(name, value)| name.len() + value.as_str().map_or(0, str::len)).sum::<usize>();
        if self.afford(message.len().min(LINE_BYTES) + size) {
            self.emit(Stream::Log, level, clean(&self.mask().hide(message), LINE_BYTES), fields);
        }
    }

    /// Takes a word of the host's about what the guest tried.
    pub(crate) fn note(&self, message: &str) {
        if self.afford(message.len().min(LINE_BYTES)) {
            self.emit(Stream::Host, Level::Warn, clean(&self.mask().hide(message), LINE_BYTES), Map::new());
        }
    }

    /// Takes a line of standard output or error.
    fn written(&self, stream: Stream, line: &[u8]) {
        let is_error = stream == Stream::Stderr;
        let affordable = self.afford(line.len().min(LINE_BYTES));
        if !affordable && !is_error {
            return;
        }
        let text = String::from_utf8_lossy(line);
        let text = if line.len() > LINE_BYTES {
            // The cut may go through a character, whose first half is none.
            self.mask().hide_cut(text.trim_end_matches('\u{FFFD}'))
        } else {
            self.mask().hide(&text)
        };
        let text = clean(&text, LINE_BYTES);
        if is_error {
            self.left().remember(&text);
        }
        if affordable {
            let level = if is_error { Level::Warn } else { Level::Info };
            self.emit(stream, level, text, Map::new());
        }
    }

    /// Fields without secrets.
    fn masked(&self, given: Vec<(String, String)>) -> Vec<(String, String)> {
        if self.mask().is_empty() {
            return given;
        }
        let hidden = |text: String| self.mask().hide(&text).into_owned();
        given.into_iter().map(|(name, value)| (hidden(name), hidden(value))).collect()
    }

    /// Says how many lines were dropped, if any. Called once, when the call is over.
    pub(crate) fn finish(&self) {
        let dropped = std::mem::take(&mut self.left().dropped);
        if dropped > 0 {
            let message = format!("{dropped} more lines were dropped: the call said more than is kept of one");
            self.emit(Stream::Host, Level::Warn, message, Map::new());
        }
    }

    /// What the guest said last on standard error.
    pub(crate) fn last_words(&self) -> Option<String> {
        let words = Vec::from(self.left().last_words.clone()).join(" ");
        Some(words).filter(|it| !it.is_empty())
    }

    /// Whether a line of `size` bytes is kept.
    fn afford(&self, size: usize) -> bool {
        let mut budget = self.left();
        let cost = size as u64 + LINE_OVERHEAD;
        if budget.lines == 0 || budget.bytes < cost {
            // A shorter line that came later would read as if nothing were missing.
            budget.bytes = 0;
            budget.dropped += 1;
            return false;
        }
        budget.lines -= 1;
        budget.bytes -= cost;
        true
    }

    fn emit(&self, stream: Stream, level: Level, message: String, fields: Map<String, serde_json::Value>) {
        let Current { revision, context, services, .. } = self.0;
        services.recorder.log(LogLine {
            at: services.clock.now(),
            project: revision.project.clone(),
            function: revision.function.clone(),
            revision: revision.id,
            call: context.id,
            run: context.step.as_ref().map(|step| step.run),
            step: context.step.as_ref().map(label),
            stream,
            level,
            message,
            fields,
        });
    }
}

impl Left {
    /// Keeps a line in mind, unless it says nothing.
    fn remember(&mut self, line: &str) {
        let line = line.trim();
        // The second is what every Rust panic ends with.
        if line.is_empty() || line.starts_with("note: run with `RUST_BACKTRACE") {
            return;
        }
        self.last_words.push_back(clean(line, LAST_BYTES));
        if self.last_words.len() > LAST_LINES {
            self.last_words.pop_front();
        }
    }
}

/// `name`, or `name#trial` for a trial of a sweep.
fn label(step: &StepRef) -> String {
    match step.trial {
        None => step.step.clone(),
        Some(trial) => format!("{}#{trial}", step.step),
    }
}
