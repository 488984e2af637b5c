//! The host that the demo talks to: `fn up` on a free port, its log in a file, gone when dropped.

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

use crate::{command, interrupt, process::Running, talk, workspace};

/// How long the host may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

/// What `fn up` prints before its address.
const GREETING: &str = "listening on ";

/// A running host and the means to talk to it.
#[derive(Debug)]
pub(crate) struct Host {
    server: Running,
    program: PathBuf,
    folder: PathBuf,
    url: String,
    agent: ureq::Agent,
}

impl Host {
    /// Starts `program up` with everything it keeps in `folder`, and waits until it is ready.
    pub(crate) fn start(program: PathBuf, folder: &Path, port: u16, database: Option<&str>) -> Result<Self> {
        let log = File::create(log(folder))?;
        let mut up = Command::new(&program);
        up.arg("up").arg("--data").arg(folder.join("data")).args(["--listen", &format!("127.0.0.1:{port}")]);
        up.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        if let Some(url) = database {
            up.env("DATABASE_URL", url);
        }
        let mut server = Running::start("fn up", &mut up)?;
        let stdout = server.child().stdout.take().context("fn up has no stdout")?;
        let mut host = Self { server, program, folder: folder.to_owned(), url: String::new(), agent: agent() };
        host.url = host.wait_for(&addresses(stdout))?;
        host.wait_until_ready()?;
        Ok(host)
    }

    /// Where it listens, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Runs `fn ARGS…` against this host, from the root of the repository; what it prints is shown.
    pub(crate) fn run(&self, args: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args(args).env("WEFT_HOST", &self.url).current_dir(workspace::root()).stdin(Stdio::null());
        command::run(&mut command)
    }

    /// Sends `body` as JSON to `path` and gives the status and the text of the answer.
    pub(crate) fn post(&self, path: &str, body: &serde_json::Value) -> Result<(u16, String)> {
        let url = format!("{}{path}", self.url);
        talk::say(format_args!("$ curl {url} --json '{body}'"));
        let mut answer = self.agent.post(&url).send_json(body).with_context(|| format!("POST {url} failed"))?;
        Ok((answer.status().as_u16(), answer.body_mut().read_to_string()?))
    }

    /// Asks `path` for JSON.
    pub(crate) fn get(&self, path: &str) -> Result<serde_json::Value> {
        let url = format!("{}{path}", self.url);
        let mut answer = self.agent.get(&url).call().with_context(|| format!("GET {url} failed"))?;
        Ok(answer.body_mut().read_json()?)
    }

    /// Fails when it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        if let Some(status) = self.server.ended()? {
            bail!("the host ended ({status}): {}", self.last_words());
        }
        Ok(())
    }

    fn wait_for(&mut self, address: &Receiver<String>) -> Result<String> {
        let until = Instant::now() + START_LIMIT;
        loop {
            match address.recv_timeout(interrupt::GLANCE) {
                Ok(url) => return Ok(url),
                Err(RecvTimeoutError::Disconnected) => bail!("the host said no address: {}", self.last_words()),
                Err(RecvTimeoutError::Timeout) => self.may_still_start(until)?,
            }
        }
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let until = Instant::now() + START_LIMIT;
        let ready = format!("{}/readyz", self.url);
        while !self.agent.get(&ready).call().is_ok_and(|answer| answer.status().is_success()) {
            self.may_still_start(until)?;
            thread::sleep(interrupt::GLANCE);
        }
        Ok(())
    }

    fn may_still_start(&mut self, until: Instant) -> Result<()> {
        interrupt::check()?;
        self.check()?;
        if Instant::now() >= until {
            bail!("the host was not ready within {}: {}", talk::took(START_LIMIT), self.last_words());
        }
        Ok(())
    }

    /// The end of its log.
    fn last_words(&self) -> String {
        let text = fs::read_to_string(log(&self.folder)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

/// Gives the address once the host prints it, and reads on so that the host never blocks on a full pipe.
fn addresses(stdout: impl Read + Send + 'static) -> Receiver<String> {
    let (found, address) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(url) = address_in(&line) {
                // Nobody waits any more once the first was found.
                let _ = found.send(url.to_owned());
            }
        }
    });
    address
}

fn address_in(line: &str) -> Option<&str> {
    let (_, url) = line.split_once(GREETING)?;
    url.split(|c: char| c.is_whitespace() || c == '"').next().map(|it| it.trim_end_matches('/'))
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(REQUEST_LIMIT));
    // An answer is shown whatever its status; and a proxy has no business on this machine's own address.
    config.http_status_as_error(false).proxy(None).build().into()
}

fn log(folder: &Path) -> PathBuf {
    folder.join("host.log")
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, net::TcpListener};

    use super::*;

    /// Starts `sh`, which takes `up`, the first argument, for a script in its folder: a host that does what we say.
    fn start(script: &str) -> (tempfile::TempDir, Result<Host>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("up"), script).unwrap();
        let host = Host::start("/bin/sh".into(), folder.path(), 0, None);
        (folder, host)
    }

    #[test]
    fn a_host_is_there_once_it_says_that_it_is_ready() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let answers = thread::spawn(move || {
            for status in ["503 Service Unavailable", "200 OK"] {
                let (mut connection, _) = listener.accept().unwrap();
                let mut request = [0; 1024];
                let length = connection.read(&mut request).unwrap();
                assert!(request[..length].starts_with(b"GET /readyz "));
                write!(connection, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").unwrap();
            }
        });
        let (_folder, host) = start(&format!("echo listening on http://{address}; exec sleep 600"));
        assert_eq!(host.unwrap().url(), format!("http://{address}"));
        answers.join().unwrap();
    }

    #[test]
    fn a_host_that_ends_at_once_is_reported_with_its_last_words() {
        let (_folder, host) = start("echo the data folder is locked >&2; exit 3");
        let error = format!("{:#}", host.unwrap_err());
        assert!(error.contains("the data folder is locked"), "{error}");
    }

    #[test]
    fn the_address_is_found_in_what_the_host_says() {
        assert_eq!(address_in("listening on http://127.0.0.1:4000/"), Some("http://127.0.0.1:4000"));
        assert_eq!(address_in("opening the store"), None);
    }
}
