//! Whoever pulls a function says once that it may have what it asks for.

use std::{
    io::{BufRead as _, IsTerminal as _},
    path::Path,
};

use host_core::manifest::Manifest;
use marketplace::asks::{Allowance, Asks};

use crate::{
    args::PullArgs,
    ui::{Exit, Printer, Stop},
};

/// The largest policy file.
const LARGEST: u64 = 1 << 20;

/// Shows what the function asks for, and has somebody agree: a person, a flag or a policy file. What the version in force
/// has already is not asked for again.
pub(super) fn ask(
    args: &PullArgs,
    name: &str,
    manifest: &Manifest,
    in_force: Option<&Manifest>,
    printer: &Printer,
) -> Result<(), Stop> {
    let asks = Asks::of(manifest);
    if let Some(file) = &args.policy {
        return by_policy(file, name, &asks, printer);
    }
    let more = match in_force {
        None => asks.words(),
        Some(before) => asks.beyond(&Asks::of(before)),
    };
    if more.is_empty() {
        printer.say(&format!("{name} asks for no more than the version in force"));
        return Ok(());
    }
    let what = if in_force.is_none() { "asks to" } else { "asks for more than the version in force; it wants to" };
    printer.say(&format!("{name} {what}"));
    for line in &more {
        printer.say(&format!("  - {line}"));
    }
    if args.yes { Ok(()) } else { person(name) }
}

fn person(name: &str) -> Result<(), Stop> {
    if !std::io::stdin().is_terminal() {
        return Err(Stop::new(Exit::Refused, format!("nobody is here to say whether {name} may have that"))
            .hint("pass --yes, or --policy FILE with what may be taken"));
    }
    let mut stderr = anstream::stderr();
    let _ = std::io::Write::write_all(&mut stderr, b"take it? [y/N] ");
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    match read {
        Ok(_) if matches!(line.trim(), "y" | "Y" | "yes") => Ok(()),
        _ => Err(Stop::new(Exit::Refused, format!("{name} was not taken"))),
    }
}

fn by_policy(file: &Path, name: &str, asks: &Asks, printer: &Printer) -> Result<(), Stop> {
    let more = asks.beyond_allowance(&allowance(file)?);
    if more.is_empty() {
        printer.say(&format!("{name} asks for nothing that {} does not allow", file.display()));
        return Ok(());
    }
    Err(Stop::new(Exit::Refused, format!("{name} asks for more than is allowed: {}", more.join("; ")))
        .at(file.display().to_string()))
}

fn allowance(file: &Path) -> Result<Allowance, Stop> {
    let wrong = |what: &dyn std::fmt::Display| {
        Stop::new(Exit::Usage, format!("could not read the policy: {what}")).at(file.display().to_string())
    };
    let size = file.metadata().map_err(|error| wrong(&error))?.len();
    if size > LARGEST {
        return Err(wrong(&format_args!("it has more than {LARGEST} bytes")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
    toml::from_str(&text).map_err(|error| wrong(&error.message()))
}
