//! A throwaway Postgres: its data in a temporary folder, on a free port of this machine, gone when dropped.

use std::{
    env, fs,
    io::Write as _,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{command, interrupt, prepare, process::Running, talk, workspace};

/// The variable in which tests find the server.
pub(crate) const VARIABLE: &str = "WEFT_TEST_POSTGRES";

/// The role and the database that tests use.
const NAME: &str = "weft";

/// How long the server may take until it answers; a busy machine needs seconds.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running server. Fields drop in order: first the server stops, then its folder goes.
#[derive(Debug)]
pub(crate) struct Postgres {
    _server: Running,
    _folder: TempDir,
    url: String,
}

impl Postgres {
    /// Creates a database cluster and waits until it answers.
    pub(crate) fn start() -> Result<Self> {
        let programs = programs().context("could not find initdb and postgres")?;
        let folder = tempfile::Builder::new().prefix("weft-postgres-").tempdir().context("could not make a folder")?;
        hand_over(folder.path())?;
        let port = free_port()?;
        create_cluster(&programs, folder.path(), port)?;
        let mut server = start_server(&programs, folder.path())?;
        wait_until_ready(&programs, folder.path(), port, &mut server)?;
        command::output(
            as_postgres(&programs.join("createdb")).args(client(port)).arg(NAME).current_dir(folder.path()),
        )?;
        Ok(Self { _server: server, _folder: folder, url: format!("postgres://{NAME}@127.0.0.1:{port}/{NAME}") })
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// `cargo xtask postgres`: a server for a developer's own `cargo test`.
pub(crate) fn serve() -> Result<()> {
    prepare::system(&[prepare::POSTGRES], prepare::Install::Allowed)?;
    let postgres = Postgres::start()?;
    talk::answer(format_args!("export {VARIABLE}={}", postgres.url()));
    talk::say("stays up until Ctrl-C");
    while !interrupt::asked() {
        thread::sleep(interrupt::GLANCE);
    }
    Ok(())
}

/// The folder with the newest `initdb` and `postgres` of this machine.
pub(crate) fn programs() -> Option<PathBuf> {
    let mut debian: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|it| Some((it.file_name().to_str()?.parse().ok()?, it.path().join("bin"))))
        .collect();
    debian.sort_by(|a, b| b.cmp(a));
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).collect::<Vec<_>>();
    let mut folders = debian.into_iter().map(|(_, folder)| folder).chain(on_path);
    folders.find(|it| ["initdb", "postgres", "pg_isready", "createdb"].iter().all(|program| it.join(program).is_file()))
}

/// Postgres refuses to run as root; Debian's package brings a user for it.
fn as_postgres(program: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
    command
}

fn hand_over(folder: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    command::output(Command::new("chown").arg("postgres:").arg(folder)).map(drop)
}

fn create_cluster(programs: &Path, folder: &Path, port: u16) -> Result<()> {
    let args = ["-U", NAME, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
    command::output(
        as_postgres(&programs.join("initdb")).arg("-D").arg(folder.join("data")).args(args).current_dir(folder),
    )
    .context("could not create a Postgres cluster")?;
    let settings = fs::read_to_string(workspace::root().join("deploy/dev/postgresql.conf"))?;
    let mut file = fs::OpenOptions::new().append(true).open(folder.join("data/postgresql.conf"))?;
    write!(file, "\n{settings}port = {port}\nunix_socket_directories = '{}'\n", folder.display())?;
    Ok(())
}

fn start_server(programs: &Path, folder: &Path) -> Result<Running> {
    let log = fs::File::create(log(folder))?;
    let mut command = as_postgres(&programs.join("postgres"));
    command.arg("-D").arg(folder.join("data")).current_dir(folder).stdin(Stdio::null());
    command.stdout(log.try_clone()?).stderr(log);
    // SIGINT is its fast shutdown: it ends the connections that are still open.
    Ok(Running::start("postgres", &mut command)?.farewell(Signal::INT))
}

fn wait_until_ready(programs: &Path, folder: &Path, port: u16, server: &mut Running) -> Result<()> {
    let until = Instant::now() + START_LIMIT;
    while !command::succeeds(Command::new(programs.join("pg_isready")).arg("-q").args(client(port))) {
        interrupt::check()?;
        let words = || fs::read_to_string(log(folder)).unwrap_or_default();
        if let Some(status) = server.ended()? {
            bail!("Postgres ended at once ({status}): {}", words().trim());
        }
        if Instant::now() >= until {
            bail!("Postgres did not answer within {}: {}", talk::took(START_LIMIT), words().trim());
        }
        thread::sleep(interrupt::GLANCE);
    }
    Ok(())
}

fn client(port: u16) -> [String; 6] {
    ["-h".into(), "127.0.0.1".into(), "-p".into(), port.to_string(), "-U".into(), NAME.into()]
}

fn log(folder: &Path) -> PathBuf {
    folder.join("server.log")
}

/// A port that was free a moment ago: Postgres cannot be told to pick one itself.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0)).context("could not find a free port")?.local_addr()?.port())
}
