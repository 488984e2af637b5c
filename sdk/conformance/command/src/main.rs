//! A program that knows nothing of Weft: arguments in, files in, files out. Any language could say the same.

use std::{
    env, fs,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match work(&args) {
        Ok(()) => ExitCode::from(value(&args, "exit").and_then(|code| code.parse().ok()).unwrap_or(0)),
        Err(error) => {
            // Whoever closed standard error does not want to know.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Copies every file under `/in` to `/out` in upper case, and writes to `/out/report` what it saw.
fn work(args: &[String]) -> io::Result<()> {
    let mut report: Vec<String> = args.iter().map(|arg| format!("argument {arg}")).collect();
    let mut names: Vec<_> =
        fs::read_dir("/in")?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    for name in names {
        let bytes = fs::read(Path::new("/in").join(&name))?;
        fs::write(Path::new("/out").join(&name), bytes.to_ascii_uppercase())?;
        report.push(format!("input {name} {} bytes", bytes.len()));
    }
    if value(args, "report") != Some("no") {
        fs::write("/out/report", report.join("\n") + "\n")?;
    }
    writeln!(io::stdout(), "{} lines reported", report.len())
}

/// The value of `--name=value`.
fn value<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    args.iter().find_map(|arg| arg.strip_prefix("--")?.strip_prefix(name)?.strip_prefix('='))
}
