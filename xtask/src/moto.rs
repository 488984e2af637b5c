//! A throwaway S3: moto, on a free port of this machine, with everything in memory, gone when dropped.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::{
    interrupt,
    prepare::{self, Install},
    process::Running,
    python, talk,
};

/// The variable in which tests find the server.
pub(crate) const VARIABLE: &str = "WEFT_TEST_S3";

/// What it is made of, seen from the root.
const REQUIREMENTS: &str = "deploy/dev/requirements.txt";

/// How long the server may take until it answers; a busy machine needs seconds.
const START_LIMIT: Duration = Duration::from_secs(120);

/// A running server. Fields drop in order: first the server stops, then its folder goes.
#[derive(Debug)]
pub(crate) struct Moto {
    _server: Running,
    _folder: TempDir,
    url: String,
}

impl Moto {
    /// Starts the server and waits until it answers.
    pub(crate) fn start(install: Install) -> Result<Self> {
        let programs = python::environment("moto", REQUIREMENTS, install)?;
        let folder = tempfile::Builder::new().prefix("weft-moto-").tempdir().context("could not make a folder")?;
        let port = TcpListener::bind(("127.0.0.1", 0)).context("could not find a free port")?.local_addr()?.port();
        let mut server = start_server(&programs.join("moto_server"), folder.path(), port)?;
        let url = format!("http://127.0.0.1:{port}");
        wait_until_ready(&url, folder.path(), &mut server)?;
        Ok(Self { _server: server, _folder: folder, url })
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Brings what it is made of.
pub(crate) fn install(install: Install) -> Result<()> {
    python::environment("moto", REQUIREMENTS, install).map(drop)
}

/// `cargo xtask s3`: a server for a developer's own `cargo test`.
pub(crate) fn serve() -> Result<()> {
    prepare::system(&[prepare::PYTHON], Install::Allowed)?;
    let moto = Moto::start(Install::Allowed)?;
    talk::answer(format_args!("export {VARIABLE}={}", moto.url()));
    talk::say("stays up until Ctrl-C");
    while !interrupt::asked() {
        thread::sleep(interrupt::GLANCE);
    }
    Ok(())
}

fn start_server(program: &Path, folder: &Path, port: u16) -> Result<Running> {
    let log = fs::File::create(log(folder))?;
    let mut command = Command::new(program);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).current_dir(folder).stdin(Stdio::null());
    command.stdout(log.try_clone()?).stderr(log);
    Running::start("moto_server", &mut command)
}

fn wait_until_ready(url: &str, folder: &Path, server: &mut Running) -> Result<()> {
    let until = Instant::now() + START_LIMIT;
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    while agent.get(format!("{url}/moto-api/")).call().is_err() {
        interrupt::check()?;
        let words = || fs::read_to_string(log(folder)).unwrap_or_default();
        if let Some(status) = server.ended()? {
            bail!("moto ended at once ({status}): {}", words().trim());
        }
        if Instant::now() >= until {
            bail!("moto did not answer within {}: {}", talk::took(START_LIMIT), words().trim());
        }
        thread::sleep(interrupt::GLANCE);
    }
    Ok(())
}

fn log(folder: &Path) -> std::path::PathBuf {
    folder.join("server.log")
}
