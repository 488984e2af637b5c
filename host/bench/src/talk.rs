//! What is said: talk goes to stderr, answers to stdout, an error has three parts.

use std::{
    fmt,
    io::{self, Write as _},
};

/// An error together with what to do next.
#[derive(Debug)]
pub(crate) struct Hinted {
    message: String,
    hint: &'static str,
}

impl Hinted {
    /// The failure `message`, which `hint` helps with: best a line to paste.
    pub(crate) fn new(message: impl Into<String>, hint: &'static str) -> Self {
        Self { message: message.into(), hint }
    }
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Hinted {}

/// Says `error`, its causes and, where there is one, the hint.
pub(crate) fn error(error: &anyhow::Error) {
    say(format_args!("error: {error:#}"));
    if let Some(hint) = hint(error) {
        say(format_args!("hint: {hint}"));
    }
}

/// What helps with `error`, where that is known.
pub(crate) fn hint(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|it| it.downcast_ref::<Hinted>()).map(|it| it.hint)
}

/// A line of talk. A closed terminal is no reason to fail.
pub(crate) fn say(line: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// A line of an answer; a server's address is waited for, so it must not linger.
pub(crate) fn answer(line: impl fmt::Display) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
