//! A program we started: it is waited for with an eye on Ctrl-C, and never outlives us.

use std::{
    os::unix::process::CommandExt as _,
    process::{Child, Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::interrupt;

/// How long a program gets to stop in good order before it is killed, unless it says so: longer than a host drains.
const GRACE: Duration = Duration::from_secs(35);

/// A running program in a process group of its own. Dropping it stops the group and waits for it.
#[derive(Debug)]
pub(crate) struct Running {
    name: String,
    child: Child,
    farewell: Signal,
    grace: Duration,
}

impl Running {
    /// Starts `command`; `name` is how errors call it.
    pub(crate) fn start(name: impl Into<String>, command: &mut Command) -> Result<Self> {
        let name = name.into();
        let child = command.process_group(0).spawn().with_context(|| format!("could not start {name}"))?;
        Ok(Self { name, child, farewell: Signal::TERM, grace: GRACE })
    }

    /// Says goodbye with `signal` instead of SIGTERM.
    pub(crate) fn farewell(mut self, signal: Signal) -> Self {
        self.farewell = signal;
        self
    }

    /// Kills it when it has not stopped after this time.
    pub(crate) fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Ends it at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::KILL);
            // A killed process always ends; an error here means that it is gone already.
            let _ = self.child.wait();
        }
    }

    /// The child, to take its pipes.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("could not wait for {}", self.name))
    }

    /// Waits for its end; fails when we are asked to stop first, and then it is stopped too.
    pub(crate) fn wait(mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            interrupt::check()?;
            thread::sleep(interrupt::GLANCE);
        }
    }

    fn stop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        self.signal(self.farewell);
        let until = Instant::now() + self.grace;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= until {
                self.kill();
                return;
            }
            thread::sleep(interrupt::GLANCE);
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It fails only when the group is gone, which is what we want.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, process::Stdio};

    use super::*;

    #[test]
    fn dropping_a_program_ends_it() {
        let mut running = Running::start("sleep", Command::new("sleep").arg("600")).unwrap();
        let pid = running.child().id();
        drop(running);
        let group = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        assert!(rustix::process::test_kill_process_group(group).is_err(), "process group {pid} is gone");
    }

    #[test]
    fn a_program_that_does_not_stop_when_asked_is_killed_after_its_grace() {
        // Without programs of its own: whoever is to bury those may take a while.
        let deaf = ["-c", "trap '' TERM; echo deaf; while :; do :; done"];
        let mut command = Command::new("sh");
        let mut running =
            Running::start("sh", command.args(deaf).stdout(Stdio::piped())).unwrap().grace(Duration::ZERO);
        // Once it speaks, it no longer listens.
        running.child().stdout.take().unwrap().read_exact(&mut [0; 4]).unwrap();
        let pid = running.child().id();
        drop(running);
        let group = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        assert!(rustix::process::test_kill_process_group(group).is_err(), "process group {pid} is gone");
    }

    #[test]
    fn waiting_gives_the_exit_status() {
        let running = Running::start("sh", Command::new("sh").args(["-c", "exit 3"])).unwrap();
        assert_eq!(running.wait().unwrap().code(), Some(3));
    }
}
