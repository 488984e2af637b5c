//! What xtask says: talk goes to stderr, answers to stdout, an error has three parts.

use std::{
    fmt,
    io::{self, Write as _},
    time::Duration,
};

/// An error together with what to do next.
#[derive(Debug)]
pub(crate) struct Hinted {
    message: String,
    hint: String,
}

impl Hinted {
    /// The failure `message`, which `hint` helps with; the hint is best a line to paste.
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Hinted {}

/// Prints `error`, its causes and, where there is one, the hint.
pub(crate) fn error(error: &anyhow::Error) {
    say(format_args!("error: {error:#}"));
    if let Some(hinted) = error.downcast_ref::<Hinted>() {
        say(format_args!("hint: {}", hinted.hint));
    }
}

/// Prints a line of talk. A closed terminal is no reason to fail.
pub(crate) fn say(line: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Prints a line of an answer.
pub(crate) fn answer(line: impl fmt::Display) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// How long something took, for people.
pub(crate) fn took(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{:.0} min {:02.0} s", (seconds / 60.0).floor(), seconds % 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_told_in_seconds_and_from_a_minute_on_in_minutes() {
        assert_eq!(took(Duration::from_millis(1_240)), "1.2 s");
        assert_eq!(took(Duration::from_secs(125)), "2 min 05 s");
    }
}
