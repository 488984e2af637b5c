//! Commands as chores run them: shown before they start, stopped with us, and a failure names the line to repeat.

use std::{
    env,
    ffi::OsStr,
    io::{self, BufReader},
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{interrupt, process::Running, talk, workspace};

/// A cargo command at the root of the workspace, run by the cargo that runs us.
pub(crate) fn cargo<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(workspace::root()).stdin(Stdio::null());
    command
}

/// Shows `command` and runs it to its end.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    show(command);
    let status = Running::start(program(command), command)?.wait()?;
    succeeded(command, status)
}

/// How long output may still arrive after the command that wrote it has ended.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// What a run of tests came to, summed over its test programs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
    /// Tests that were switched off.
    pub(crate) ignored: u64,
}

/// Shows `command`, a `cargo test`, passes on what it prints, and counts its results.
pub(crate) fn run_tests(command: &mut Command) -> Result<Tally> {
    show(command);
    let mut running = Running::start(program(command), command.stdout(Stdio::piped()))?;
    let stdout = running.child().stdout.take().context("the tests have no stdout")?;
    let counting = thread::spawn(move || pass_on_and_count(BufReader::new(stdout), io::stdout()));
    let status = running.wait()?;
    succeeded(command, status)?;
    let until = Instant::now() + LAST_WORDS;
    while !counting.is_finished() {
        if Instant::now() >= until {
            bail!("a test left a program running: it still holds the output of the tests");
        }
        thread::sleep(interrupt::GLANCE);
    }
    Ok(counting.join().unwrap_or_default())
}

/// Runs `command` quietly and gives its stdout.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("could not start {}", program(command)))?;
    if !output.status.success() {
        bail!("{} failed: {}", line(command), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether `command` starts and succeeds, without a word from it.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|it| it.success())
}

/// The file of `program` in the folders of the PATH.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|it| it.join(program)).find(|it| it.is_file())
}

fn pass_on_and_count(lines: impl io::BufRead, mut to: impl io::Write) -> Tally {
    let mut tally = Tally::default();
    for line in lines.lines().map_while(Result::ok) {
        // Keep reading when nobody listens any more, or the tests would block.
        let _ = writeln!(to, "{line}");
        tally.count(&line);
    }
    tally
}

impl Tally {
    /// Adds a line such as `test result: ok. 12 passed; 0 failed; 1 ignored; …`.
    fn count(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result:") else { return };
        let mut words = result.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let Ok(number) = word.parse::<u64>() else { continue };
            match words.peek().copied() {
                Some("passed;") => self.passed += number,
                Some("failed;") => self.failed += number,
                Some("ignored;") => self.ignored += number,
                _ => {}
            }
        }
    }
}

fn show(command: &Command) {
    talk::say(format_args!("$ {}", line(command)));
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let set = command.get_envs().filter_map(|(key, value)| Some(format!("{}={}", key.display(), quoted(value?))));
    let args = command.get_args().map(quoted);
    set.chain([program(command)]).chain(args).collect::<Vec<_>>().join(" ")
}

fn quoted(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    if text.contains(char::is_whitespace) { format!("'{text}'") } else { text.into_owned() }
}

/// The program without its folder.
fn program(command: &Command) -> String {
    let path = std::path::Path::new(command.get_program());
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_test_programs_add_up() {
        let text = "running 2 tests\n\
            test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s\n\
            test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s\n";
        let mut passed_on = Vec::new();
        let tally = pass_on_and_count(text.as_bytes(), &mut passed_on);
        assert_eq!(tally, Tally { passed: 15, failed: 2, ignored: 1 });
        assert_eq!(passed_on, text.as_bytes());
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/opt/bin/cargo");
        command.args(["doc", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(line(&command), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }
}
