//! A throwaway S3: moto, on a free port of this machine, with everything in memory, gone when dropped.

use std::{process::Command, time::Duration};

use anyhow::Result;
use tempfile::TempDir;

use crate::{
    prepare::{self, Install},
    process::Running,
    python, server, talk,
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
        let folder = server::folder("moto")?;
        let port = server::free_port()?;
        let mut command = Command::new(programs.join("moto_server"));
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        let mut server = server::start("moto", &mut command, folder.path())?;
        let url = format!("http://127.0.0.1:{port}");
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        server::wait_until_ready("moto", &mut server, folder.path(), START_LIMIT, || {
            agent.get(format!("{url}/moto-api/")).call().is_ok()
        })?;
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
    server::stay_up();
    Ok(())
}
