//! What every throwaway server has in common: a folder, ports nobody else gets, a user of its own, and a wait.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::{command, interrupt, process::Running, talk};

/// Below the range from which systems take ports for outgoing connections: a client that knocks at the port of a
/// server that restarts would else be given that very port, connect to itself, and keep the server from coming back.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// How many ports were given out by this process.
static GIVEN: AtomicU16 = AtomicU16::new(0);

/// A port that was free a moment ago, and that this process gives to nobody else.
pub(crate) fn free_port() -> Result<u16> {
    let ports = PORTS.end - PORTS.start;
    // Processes side by side begin at places that lie further apart than the ports that one of them takes.
    let begin = u16::try_from(process::id().wrapping_mul(37) % u32::from(ports)).unwrap_or(0);
    for _ in 0..ports {
        let port = PORTS.start + begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % ports;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("could not find a free port between {} and {}", PORTS.start, PORTS.end)
}

/// A folder in which the server works; `name` tells people whose it is.
pub(crate) fn folder(name: &str) -> Result<TempDir> {
    tempfile::Builder::new().prefix(&format!("weft-{name}-")).tempdir().context("could not make a folder")
}

/// Some servers refuse to run as root, and none needs to: the package of each brings a user for it.
pub(crate) fn run_as(user: &str, program: impl AsRef<Path>) -> Command {
    let program = program.as_ref();
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={user}")).arg(format!("--regid={user}")).args(["--init-groups", "--"]).arg(program);
    command
}

/// Gives `folder` and what is in it to `user`, where the server will run as that user.
pub(crate) fn hand_over(folder: &Path, user: &str) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    command::output(Command::new("chown").arg("-R").arg(format!("{user}:")).arg(folder)).map(drop)
}

/// Starts a server in `folder`; what it says is kept there.
pub(crate) fn start(name: &'static str, command: &mut Command, folder: &Path) -> Result<Running> {
    // Appended, so that a server that is started again keeps what it said before.
    let log = fs::OpenOptions::new().create(true).append(true).open(log(folder, name))?;
    command.current_dir(folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Running::start(name, command)
}

/// What a server said so far.
pub(crate) fn said(folder: &Path, name: &str) -> String {
    fs::read(log(folder, name)).map(|it| String::from_utf8_lossy(&it).into_owned()).unwrap_or_default()
}

/// Waits until the server `name` answers; fails when it ends, takes longer than `limit`, or we are asked to stop.
pub(crate) fn wait_until_ready(
    name: &str,
    server: &mut Running,
    folder: &Path,
    limit: Duration,
    mut is_ready: impl FnMut() -> bool,
) -> Result<()> {
    let until = Instant::now() + limit;
    while !is_ready() {
        interrupt::check()?;
        if let Some(status) = server.ended()? {
            bail!("{name} ended at once ({status}): {}", last_words(folder, name));
        }
        if Instant::now() >= until {
            bail!("{name} did not answer within {}: {}", talk::took(limit), last_words(folder, name));
        }
        thread::sleep(interrupt::GLANCE);
    }
    Ok(())
}

/// Until Ctrl-C.
pub(crate) fn stay_up() {
    talk::say("stays up until Ctrl-C");
    while !interrupt::asked() {
        thread::sleep(interrupt::GLANCE);
    }
}

fn last_words(folder: &Path, name: &str) -> String {
    let said = said(folder, name);
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n").trim().to_owned()
}

fn log(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let mut ports: Vec<u16> = (0..50).map(|_| free_port().unwrap()).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 50);
        assert!(ports.iter().all(|it| PORTS.contains(it)));
    }

    #[test]
    fn a_server_that_ends_at_once_is_reported_with_its_last_words() {
        let folder = folder("test").unwrap();
        let mut command = Command::new("sh");
        let mut server = start("sh", command.args(["-c", "echo no disk; exit 3"]), folder.path()).unwrap();
        let ready = wait_until_ready("sh", &mut server, folder.path(), Duration::from_secs(60), || false);
        let error = ready.unwrap_err().to_string();
        assert!(error.contains("ended at once") && error.contains("no disk"), "{error}");
    }

    #[test]
    fn a_server_that_is_never_ready_is_given_up() {
        let folder = folder("test").unwrap();
        let mut server = start("sleep", Command::new("sleep").arg("600"), folder.path()).unwrap();
        let ready = wait_until_ready("sleep", &mut server, folder.path(), Duration::ZERO, || false);
        assert!(ready.unwrap_err().to_string().contains("did not answer within 0.0 s"));
    }
}
