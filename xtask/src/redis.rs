//! A throwaway Redis: on a free port of this machine, with everything in memory, gone when dropped.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
    time::Duration,
};

use anyhow::Result;
use tempfile::TempDir;

use crate::{
    command,
    prepare::{self, Install},
    process::Running,
    server, talk,
};

/// The variable in which tests find the server.
pub(crate) const VARIABLE: &str = "WEFT_TEST_REDIS";

/// The server's program; it needs no other.
const PROGRAM: &str = "redis-server";

/// The user that Debian's package brings.
const USER: &str = "redis";

/// How long the server may take until it answers; a busy machine needs seconds.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long it may think about one answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// A running server. Fields drop in order: first the server stops, then its folder goes.
#[derive(Debug)]
pub(crate) struct Redis {
    _server: Running,
    _folder: TempDir,
    url: String,
}

impl Redis {
    /// Starts the server and waits until it answers.
    pub(crate) fn start() -> Result<Self> {
        let folder = server::folder("redis")?;
        server::hand_over(folder.path(), USER)?;
        let port = server::free_port()?;
        let mut command = server::run_as(USER, PROGRAM);
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
        let mut server = server::start("redis", &mut command, folder.path())?;
        server::wait_until_ready("redis", &mut server, folder.path(), START_LIMIT, || answers(port))?;
        Ok(Self { _server: server, _folder: folder, url: format!("redis://127.0.0.1:{port}") })
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// `cargo xtask redis`: a server for a developer's own `cargo test`.
pub(crate) fn serve() -> Result<()> {
    prepare::system(&[prepare::REDIS], Install::Allowed)?;
    let redis = Redis::start()?;
    talk::answer(format_args!("export {VARIABLE}={}", redis.url()));
    server::stay_up();
    Ok(())
}

/// Whether its program is there.
pub(crate) fn is_there() -> bool {
    command::succeeds(Command::new(PROGRAM).arg("--version"))
}

fn answers(port: u16) -> bool {
    let ask = || {
        let mut connection = TcpStream::connect(("127.0.0.1", port))?;
        connection.set_read_timeout(Some(ANSWER_LIMIT))?;
        connection.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        connection.read_exact(&mut answer).map(|()| answer)
    };
    ask().is_ok_and(|it: [u8; 5]| it == *b"+PONG")
}
