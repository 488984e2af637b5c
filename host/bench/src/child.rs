//! A program we started: waited for with a bound, and gone when dropped.

use std::{
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::interrupt;

/// How long a program gets to stop in good order before it is killed: longer than a host drains.
const GRACE: Duration = Duration::from_secs(35);

/// How often those who wait look whether they may go on.
const GLANCE: Duration = Duration::from_millis(5);

/// A running program. Dropping it stops it, by its own id, and waits for it.
#[derive(Debug)]
pub(crate) struct Running {
    name: String,
    child: Child,
}

impl Running {
    /// Starts `command`; `name` is how errors call it.
    pub(crate) fn start(name: impl Into<String>, command: &mut Command) -> Result<Self> {
        let name = name.into();
        let child = command.spawn().with_context(|| format!("could not start {name}"))?;
        Ok(Self { name, child })
    }

    /// The child, to take its pipes.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("could not wait for {}", self.name))
    }

    /// Waits for its end, at most `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            interrupt::check()?;
            if Instant::now() >= until {
                bail!("{} was not done within {} s", self.name, limit.as_secs());
            }
            thread::sleep(GLANCE);
        }
    }

    fn stop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It fails only when the program is gone, which is what we want.
            let _ = kill_process(pid, Signal::TERM);
        }
        let until = Instant::now() + GRACE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            thread::sleep(GLANCE);
        }
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs `command` to its end, at most `limit`, and gives its stdout; what it says on stderr is part of a failure.
pub(crate) fn output(name: &str, command: &mut Command, limit: Duration) -> Result<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running::start(name, command)?;
    // Read beside it, so that a full pipe never stops it.
    let stdout = running.child().stdout.take().map(collect);
    let stderr = running.child().stderr.take().map(collect);
    let status = running.wait(limit)?;
    let text = |pipe: Option<thread::JoinHandle<String>>| pipe.and_then(|it| it.join().ok()).unwrap_or_default();
    let (stdout, stderr) = (text(stdout), text(stderr));
    if !status.success() {
        let words = if stderr.trim().is_empty() { stdout } else { stderr };
        bail!("{name} failed ({status}): {}", words.trim());
    }
    Ok(stdout)
}

fn collect(mut pipe: impl std::io::Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is what there is.
        let _ = pipe.by_ref().read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_a_program_ends_it() {
        let running = Running::start("sleep", Command::new("sleep").arg("600")).unwrap();
        let pid = Pid::from_raw(i32::try_from(running.pid()).unwrap()).unwrap();
        drop(running);
        assert!(rustix::process::test_kill_process(pid).is_err());
    }

    #[test]
    fn a_failure_carries_what_the_program_said() {
        let mut command = Command::new("sh");
        let error = output("sh", command.args(["-c", "echo no such function >&2; exit 3"]), GRACE).unwrap_err();
        assert!(error.to_string().contains("no such function"), "{error}");
    }
}
