//! A throwaway Postgres: its data in a temporary folder, on a free port of this machine, gone when dropped.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{command, prepare, process::Running, server, talk, workspace};

/// The variable in which tests find the server.
pub(crate) const VARIABLE: &str = "WEFT_TEST_POSTGRES";

/// The role and the database that tests use.
const NAME: &str = "weft";

/// Postgres refuses to run as root; Debian's package brings a user for it.
const USER: &str = "postgres";

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
        let folder = server::folder("postgres")?;
        server::hand_over(folder.path(), USER)?;
        let port = server::free_port()?;
        create_cluster(&programs, folder.path(), port)?;
        let mut server = start_server(&programs, folder.path())?;
        server::wait_until_ready("postgres", &mut server, folder.path(), START_LIMIT, || {
            command::succeeds(Command::new(programs.join("pg_isready")).arg("-q").args(client(port)))
        })?;
        let mut createdb = server::run_as(USER, programs.join("createdb"));
        command::output(createdb.args(client(port)).arg(NAME).current_dir(folder.path()))?;
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
    server::stay_up();
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

fn create_cluster(programs: &Path, folder: &Path, port: u16) -> Result<()> {
    let args = ["-U", NAME, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"];
    let mut initdb = server::run_as(USER, programs.join("initdb"));
    command::output(initdb.arg("-D").arg(folder.join("data")).args(args).current_dir(folder))
        .context("could not create a Postgres cluster")?;
    let settings = fs::read_to_string(workspace::root().join("deploy/dev/postgresql.conf"))?;
    let mut file = fs::OpenOptions::new().append(true).open(folder.join("data/postgresql.conf"))?;
    write!(file, "\n{settings}port = {port}\nunix_socket_directories = '{}'\n", folder.display())?;
    // Written over, because the file belongs to who runs the server.
    fs::write(folder.join("data/pg_hba.conf"), fs::read(workspace::root().join("deploy/dev/pg_hba.conf"))?)?;
    Ok(())
}

fn start_server(programs: &Path, folder: &Path) -> Result<Running> {
    let mut command = server::run_as(USER, programs.join("postgres"));
    // SIGINT is its fast shutdown: it ends the connections that are still open.
    Ok(server::start("postgres", command.arg("-D").arg(folder.join("data")), folder)?.farewell(Signal::INT))
}

fn client(port: u16) -> [String; 6] {
    ["-h".into(), "127.0.0.1".into(), "-p".into(), port.to_string(), "-U".into(), NAME.into()]
}
