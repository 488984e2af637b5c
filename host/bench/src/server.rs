//! A server we started: it says its address on stdout, and its log is kept for when it fails.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{child::Running, interrupt};

/// How long a server may take until it says its address.
const START_LIMIT: Duration = Duration::from_secs(60);

/// What a server prints before its address.
pub(crate) const GREETING: &str = "listening on ";

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    running: Running,
    url: String,
    log: PathBuf,
    started: Instant,
    greeted_after: Duration,
}

impl Server {
    /// Starts `command` and waits for its address; its stderr goes to the file `log`.
    pub(crate) fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("could not write {}", log.display()))?;
        command.stdout(Stdio::piped()).stderr(file);
        let started = Instant::now();
        let mut running = Running::start(name, command)?;
        let stdout = running.child().stdout.take().context("it has no stdout")?;
        let (url, greeted) = wait_for_address(name, &mut running, &addresses(stdout), log)?;
        Ok(Self { running, url, log: log.to_owned(), started, greeted_after: greeted.duration_since(started) })
    }

    /// Where it listens, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// When it was started.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// How long it took until it said its address.
    pub(crate) fn greeted_after(&self) -> Duration {
        self.greeted_after
    }

    /// Fails when it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        if let Some(status) = self.running.ended()? {
            bail!("the server ended ({status}): {}", last_words(&self.log));
        }
        Ok(())
    }
}

fn wait_for_address(
    name: &str,
    running: &mut Running,
    addresses: &Receiver<(String, Instant)>,
    log: &Path,
) -> Result<(String, Instant)> {
    let until = Instant::now() + START_LIMIT;
    loop {
        match addresses.recv_timeout(Duration::from_millis(20)) {
            Ok(found) => return Ok(found),
            Err(RecvTimeoutError::Disconnected) => bail!("{name} said no address: {}", last_words(log)),
            Err(RecvTimeoutError::Timeout) => {}
        }
        interrupt::check()?;
        if let Some(status) = running.ended()? {
            bail!("{name} ended ({status}): {}", last_words(log));
        }
        if Instant::now() >= until {
            bail!("{name} said no address within {} s: {}", START_LIMIT.as_secs(), last_words(log));
        }
    }
}

/// Gives the address once it is printed, and reads on so that the server never blocks on a full pipe.
fn addresses(stdout: impl Read + Send + 'static) -> Receiver<(String, Instant)> {
    let (found, address) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(url) = address_in(&line) {
                // Nobody waits any more once the first was found.
                let _ = found.send((url.to_owned(), Instant::now()));
            }
        }
    });
    address
}

fn address_in(line: &str) -> Option<&str> {
    let (_, url) = line.split_once(GREETING)?;
    url.split(|c: char| c.is_whitespace() || c == '"').next().map(|it| it.trim_end_matches('/'))
}

/// The end of a log.
fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_what_a_server_says() {
        assert_eq!(address_in("listening on http://127.0.0.1:4000/"), Some("http://127.0.0.1:4000"));
        assert_eq!(address_in("{\"message\":\"listening on http://[::1]:4\"}"), Some("http://[::1]:4"));
        assert_eq!(address_in("opening the store"), None);
    }

    #[test]
    fn a_server_that_ends_at_once_is_reported_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo the data folder is locked >&2; exit 3"]);
        let error = Server::start("fn up", &mut command, &folder.path().join("log")).unwrap_err();
        assert!(error.to_string().contains("the data folder is locked"), "{error}");
    }
}
