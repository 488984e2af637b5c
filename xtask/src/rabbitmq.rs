//! A throwaway RabbitMQ: its data in a temporary folder, on free ports of this machine, gone when dropped.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    certificates, command,
    prepare::{self, Install},
    process::Running,
    server, talk, workspace,
};

/// The variable in which tests find the server.
pub(crate) const VARIABLE: &str = "WEFT_TEST_AMQP";

/// The variable in which tests find the way in with TLS: `address,file`, the file with what to trust there.
pub(crate) const TLS: &str = "WEFT_TEST_AMQP_TLS";

/// The user that Debian's package brings.
const USER: &str = "rabbitmq";

/// How long the server may take until it answers; a busy machine needs a minute and more.
const START_LIMIT: Duration = Duration::from_secs(180);

/// How long it gets to stop in good order.
const GRACE: Duration = Duration::from_secs(20);

/// What it says once it is ready. Asking by its own tools starts a whole Erlang for each question.
const READY: &str = "Server startup complete";

/// A running server. Fields drop in order: first the server stops, then the directory of nodes, then the folder goes.
#[derive(Debug)]
pub(crate) struct RabbitMq {
    server: Running,
    _epmd: Running,
    folder: TempDir,
    ports: Ports,
}

/// Where it listens.
#[derive(Debug, Clone, Copy)]
struct Ports {
    amqp: u16,
    /// With TLS.
    secure: u16,
    /// For other nodes, of which there are none.
    distribution: u16,
    /// For the directory of nodes.
    epmd: u16,
}

impl RabbitMq {
    /// Starts the server and waits until it answers.
    pub(crate) fn start() -> Result<Self> {
        let folder = server::folder("rabbitmq")?;
        let ports = Ports {
            amqp: server::free_port()?,
            secure: server::free_port()?,
            distribution: server::free_port()?,
            epmd: server::free_port()?,
        };
        furnish(folder.path(), ports)?;
        // Its own, in our hands: a shared one would be left behind as a daemon.
        let mut epmd = server::run_as(USER, "epmd");
        epmd.args(["-address", "127.0.0.1", "-port", &ports.epmd.to_string()]);
        let epmd = server::start("epmd", &mut epmd, folder.path())?;
        let server = run(folder.path(), ports)?;
        Ok(Self { server, _epmd: epmd, folder, ports })
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.ports.amqp)
    }

    /// Where it answers with TLS; see [`TLS`].
    pub(crate) fn secure(&self) -> String {
        certificates::told(&format!("amqps://127.0.0.1:{}/%2f", self.ports.secure), self.folder.path())
    }

    /// Ends it at once, as a power cut would, and starts it again on what it kept.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.server.kill();
        self.server = run(self.folder.path(), self.ports)?;
        Ok(())
    }
}

/// `cargo xtask rabbitmq`: a server for a developer's own `cargo test`.
pub(crate) fn serve() -> Result<()> {
    prepare::system(&[prepare::RABBITMQ], Install::Allowed)?;
    let rabbitmq = RabbitMq::start()?;
    talk::answer(format_args!("export {VARIABLE}={}", rabbitmq.url()));
    talk::answer(format_args!("export {TLS}={}", rabbitmq.secure()));
    server::stay_up();
    Ok(())
}

/// The program that starts the server. The one that Debian puts on the PATH knows only the system's own folders.
pub(crate) fn program() -> Option<PathBuf> {
    let debian = PathBuf::from("/usr/lib/rabbitmq/bin/rabbitmq-server");
    if debian.is_file() { Some(debian) } else { command::on_path("rabbitmq-server") }
}

/// Writes what the server reads when it starts.
fn furnish(folder: &Path, ports: Ports) -> Result<()> {
    let settings = fs::read_to_string(workspace::root().join("deploy/dev/rabbitmq.conf"))?;
    let listen = format!("listeners.tcp.1 = 127.0.0.1:{}\nlisteners.ssl.1 = 127.0.0.1:{}\n", ports.amqp, ports.secure);
    certificates::write(folder)?;
    let file = |name: &str| folder.join(name).display().to_string();
    let (certificate, key) = (file(certificates::TRUSTED), file(certificates::KEY));
    let tls = format!(
        "ssl_options.cacertfile = {certificate}\nssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\n\
         ssl_options.verify = verify_none\n"
    );
    let nodes = format!(
        "distribution.listener.interface = 127.0.0.1\n\
         distribution.listener.port_range.min = {0}\ndistribution.listener.port_range.max = {0}\n",
        ports.distribution
    );
    fs::write(folder.join("rabbitmq.conf"), [settings, listen, tls, nodes].concat())?;
    fs::write(folder.join("enabled_plugins"), "[].\n")?;
    fs::create_dir(folder.join("home"))?;
    let cookie = folder.join("home/.erlang.cookie");
    // No secret: who knows it must still be on this machine, where the server serves anybody.
    fs::write(&cookie, "throwaway")?;
    fs::set_permissions(&cookie, fs::Permissions::from_mode(0o400))?;
    server::hand_over(folder, USER)
}

/// Starts the server in its furnished folder and waits until it is ready.
fn run(folder: &Path, ports: Ports) -> Result<Running> {
    let program = program().context("could not find rabbitmq-server")?;
    let before = readies(folder);
    let mut command = server::run_as(USER, program);
    command.envs(environment(folder, ports));
    // Its shutdown is asked of the machine alone: the helpers in its group go with it.
    let mut server = server::start("rabbitmq", &mut command, folder)?.farewell(Signal::TERM).grace(GRACE);
    server::wait_until_ready("rabbitmq", &mut server, folder, START_LIMIT, || readies(folder) > before)?;
    Ok(server)
}

/// How often it said that it is ready.
fn readies(folder: &Path) -> usize {
    server::said(folder, "rabbitmq").matches(READY).count()
}

fn environment(folder: &Path, ports: Ports) -> [(&'static str, String); 13] {
    let at = |name: &str| folder.join(name).display().to_string();
    [
        ("HOME", at("home")),
        ("ERL_EPMD_ADDRESS", "127.0.0.1".into()),
        ("ERL_EPMD_PORT", ports.epmd.to_string()),
        ("RABBITMQ_DIST_PORT", ports.distribution.to_string()),
        ("RABBITMQ_NODENAME", format!("weft{}@localhost", ports.amqp)),
        ("RABBITMQ_CONF_ENV_FILE", "/dev/null".into()),
        ("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", at("enabled_plugins")),
        ("RABBITMQ_MNESIA_BASE", at("mnesia")),
        ("RABBITMQ_LOG_BASE", at("log")),
        ("RABBITMQ_PID_FILE", at("rabbit.pid")),
        // Idle schedulers sleep at once instead of spinning: others need the processor.
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none".into()),
        // The script then becomes the server, so that the process we started is the one to stop.
        ("RUNNING_UNDER_SYSTEMD", "true".into()),
    ]
}
