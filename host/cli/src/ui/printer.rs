//! The one place that prints.

use std::{io::Write, process::ExitCode};

use owo_colors::OwoColorize;
use serde::Serialize;

use super::{Exit, Stop};

/// Prints data to stdout, as JSON when asked, and talk to stderr.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Printer {
    json: bool,
    quiet: bool,
}

impl Printer {
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Whether the answer is for a program.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether only what was asked for is said.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// The answer: `value` as JSON, or `text` for people.
    pub(crate) fn answer(&self, value: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            self.json_line(value);
        } else {
            self.out(&text());
        }
    }

    /// One JSON document on a line of its own.
    pub(crate) fn json_line(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(line) => self.out(&line),
            Err(error) => self.warn(&format!("could not write the answer as JSON: {error}")),
        }
    }

    /// A line of data.
    pub(crate) fn out(&self, line: &str) {
        let mut stdout = anstream::stdout().lock();
        // A closed pipe is the reader's choice, not an error.
        let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    }

    /// Bytes as they are.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
    }

    /// A line of talk.
    pub(crate) fn say(&self, line: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr(), "{line}");
        }
    }

    /// Success: what changed.
    pub(crate) fn done(&self, line: &str) {
        self.say(&format!("{} {line}", "✓".green()));
    }

    /// What to try next.
    pub(crate) fn next(&self, line: &str) {
        self.say(&format!("  {} {line}", "try".dimmed()));
    }

    /// Something that may matter.
    pub(crate) fn warn(&self, line: &str) {
        let _ = writeln!(anstream::stderr(), "{} {line}", "warning:".yellow().bold());
    }

    /// The error a command ended with, and its exit code.
    pub(crate) fn failure(&self, error: &anyhow::Error) -> ExitCode {
        let mut stderr = anstream::stderr();
        let _ = writeln!(stderr, "{} {error}", "error:".red().bold());
        for cause in error.chain().skip(1).filter(|it| it.downcast_ref::<Stop>().is_none()) {
            let _ = writeln!(stderr, "  {cause}");
        }
        let stop = error.chain().find_map(|it| it.downcast_ref::<Stop>());
        for line in stop.into_iter().flat_map(Stop::lines) {
            let _ = writeln!(stderr, "  {line}");
        }
        let (place, hint) = stop.map_or((None, None), Stop::parts);
        if let Some(place) = place {
            let _ = writeln!(stderr, "  at {place}");
        }
        if let Some(hint) = hint {
            let _ = writeln!(stderr, "{} {hint}", "hint:".cyan().bold());
        }
        ExitCode::from(stop.map_or(Exit::Failed, Stop::exit) as u8)
    }
}
