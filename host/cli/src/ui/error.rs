//! Errors with three parts: what happened, where, and a line to paste.

use std::fmt;

use host_wire::problem::Mistake;

/// Exit codes: public API, listed in docs/cli.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// What was asked failed: a run, a test case, a build, a call.
    Failed = 1,
    /// The command line or a file was wrong. Clap uses the same code.
    Usage = 2,
    /// What was named does not exist.
    NotFound = 3,
    /// The host said no: the state forbids it.
    Refused = 4,
    /// The host cannot be reached, or is overloaded.
    Unreachable = 5,
}

/// A command that stops.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    what: String,
    place: Option<String>,
    hint: Option<String>,
    mistakes: Vec<Mistake>,
    exit: Exit,
}

impl Stop {
    /// Stops with a message that completes "error: ".
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { what: what.into(), place: None, hint: None, mistakes: Vec::new(), exit }
    }

    /// What was being done when it happened.
    pub(crate) fn during(mut self, what: &str) -> Self {
        self.what = format!("{what}: {}", self.what);
        self
    }

    /// Where it happened, such as `function.toml:7`.
    pub(crate) fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// What to do next, as a line to paste where possible.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Every mistake in a file, each with its place.
    pub(crate) fn mistakes(mut self, mistakes: Vec<Mistake>) -> Self {
        self.mistakes = mistakes;
        self
    }

    /// Each mistake as a person reads it: place, message and what to do.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.mistakes.iter().map(|it| {
            let place = if it.line == 0 {
                it.path.clone()
            } else {
                format!("{}:{} {}", it.line, it.column, it.path).trim_end().to_owned()
            };
            let suggestion = it.suggestion.as_ref().map(|text| format!("\n      {text}")).unwrap_or_default();
            format!("{place}: {}{suggestion}", it.message)
        })
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    pub(crate) fn parts(&self) -> (Option<&str>, Option<&str>) {
        (self.place.as_deref(), self.hint.as_deref())
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Stop {}
