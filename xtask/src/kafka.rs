//! A throwaway Kafka: one node in a temporary folder, on free ports of this machine, gone when dropped.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::{
    certificates, command,
    prepare::{self, Install},
    process::Running,
    server,
    talk::{self, Hinted},
    workspace::{self, Workspace},
};

/// The variable in which tests find the server.
pub(crate) const VARIABLE: &str = "WEFT_TEST_KAFKA";

/// The variable in which tests find a second way in, `listens,says`: the server listens at the first address and tells
/// clients that it is at the second. Whoever listens there stands between the two.
pub(crate) const DETOUR: &str = "WEFT_TEST_KAFKA_DETOUR";

/// The variable in which tests find the way in with TLS and a password: `address,file`, the file with what to trust there.
pub(crate) const TLS: &str = "WEFT_TEST_KAFKA_TLS";

/// What it is made of, seen from the root.
const POM: &str = "deploy/dev/kafka/pom.xml";

/// What is in the folder of jars, as it was fetched last.
const STAMP: &str = "pom.xml";

/// How long the server may take until it answers; a busy machine needs half a minute.
const START_LIMIT: Duration = Duration::from_secs(180);

/// How long it gets to stop in good order.
const GRACE: Duration = Duration::from_secs(10);

/// What it says once it is ready.
const READY: &str = "Kafka Server started";

/// Any identity will do for a cluster of one; this saves starting a Java to make one up.
const CLUSTER: &str = "d2VmdC10aHJvd2F3YXktMQ";

/// Small and quick to start rather than quick later.
const JAVA: [&str; 5] =
    ["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"];

/// A running server. Fields drop in order: first the server stops, then its folder goes.
#[derive(Debug)]
pub(crate) struct Kafka {
    server: Running,
    folder: TempDir,
    jars: PathBuf,
    ports: Ports,
}

/// Where it listens.
#[derive(Debug, Clone, Copy)]
struct Ports {
    clients: u16,
    /// Among the nodes of the cluster, of which there is one.
    controller: u16,
    detour: u16,
    /// Nothing listens here until somebody stands between.
    detour_says: u16,
    /// With TLS and a password.
    secure: u16,
}

impl Kafka {
    /// Starts the server and waits until it answers.
    pub(crate) fn start(install: Install) -> Result<Self> {
        let jars = jars(install)?;
        let folder = server::folder("kafka")?;
        let ports = Ports {
            clients: server::free_port()?,
            controller: server::free_port()?,
            detour: server::free_port()?,
            detour_says: server::free_port()?,
            secure: server::free_port()?,
        };
        furnish(folder.path(), ports)?;
        let format = ["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER, "--config", "server.properties"];
        let scram = format!("SCRAM-SHA-256=[name={},password={}]", certificates::USER, certificates::PASSWORD);
        command::output(java(&jars).args(format).arg("--add-scram").arg(scram).current_dir(folder.path()))
            .context("could not prepare Kafka's folder")?;
        let server = run(&jars, folder.path())?;
        Ok(Self { server, folder, jars, ports })
    }

    /// Where it answers, as clients write it.
    pub(crate) fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.ports.clients)
    }

    /// The second way in; see [`DETOUR`].
    pub(crate) fn detour(&self) -> String {
        format!("127.0.0.1:{},127.0.0.1:{}", self.ports.detour, self.ports.detour_says)
    }

    /// The way in with TLS and a password; see [`TLS`].
    pub(crate) fn secure(&self) -> String {
        certificates::told(&format!("127.0.0.1:{}", self.ports.secure), self.folder.path())
    }

    /// Ends it at once, as a power cut would, and starts it again on what it kept.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.server.kill();
        self.server = run(&self.jars, self.folder.path())?;
        Ok(())
    }
}

/// `cargo xtask kafka`: a server for a developer's own `cargo test`.
pub(crate) fn serve() -> Result<()> {
    prepare::system(&[prepare::JAVA, prepare::MAVEN], Install::Allowed)?;
    let kafka = Kafka::start(Install::Allowed)?;
    talk::answer(format_args!("export {VARIABLE}={}", kafka.brokers()));
    talk::answer(format_args!("export {DETOUR}={}", kafka.detour()));
    talk::answer(format_args!("export {TLS}={}", kafka.secure()));
    server::stay_up();
    Ok(())
}

/// Brings what it is made of.
pub(crate) fn install(install: Install) -> Result<()> {
    jars(install).map(drop)
}

/// The folder with Kafka's jars, fetched by Maven once for each text of the pom.
fn jars(install: Install) -> Result<PathBuf> {
    let folder = Workspace::load()?.target_directory.join("kafka");
    let wanted = fs::read_to_string(workspace::root().join(POM)).with_context(|| format!("could not read {POM}"))?;
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|it| it == wanted) {
        return Ok(folder);
    }
    if install == Install::Forbidden {
        return Err(Hinted::new(format!("what {POM} asks for is not fetched"), "cargo xtask kafka").into());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).context("could not clear the folder of Kafka's jars")?;
    }
    fs::create_dir_all(&folder).context("could not make a folder for Kafka's jars")?;
    let mut fetch = Command::new("mvn");
    fetch.args(["--quiet", "--batch-mode", "--strict-checksums", "--file", POM]);
    fetch.args(["dependency:copy-dependencies", "-DincludeScope=runtime"]);
    fetch.arg(format!("-DoutputDirectory={}", folder.display())).current_dir(workspace::root());
    command::run(&mut fetch)?;
    // Last, so that a fetch that broke off is done again.
    fs::write(folder.join(STAMP), wanted).context("could not note what is fetched")?;
    Ok(folder)
}

/// Writes what the server reads when it starts.
fn furnish(folder: &Path, ports: Ports) -> Result<()> {
    let Ports { clients, controller, detour, detour_says, secure } = ports;
    certificates::write(folder)?;
    let settings = fs::read_to_string(workspace::root().join("deploy/dev/kafka/server.properties"))?;
    let own = format!(
        "controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{clients},DETOUR://127.0.0.1:{detour},\
         SECURE://127.0.0.1:{secure},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{clients},DETOUR://127.0.0.1:{detour_says},\
         SECURE://127.0.0.1:{secure}\n\
         log.dirs={}\n",
        folder.join("data").display()
    );
    fs::write(folder.join("server.properties"), settings + &own + &security(folder))?;
    fs::copy(workspace::root().join("deploy/dev/kafka/log4j.properties"), folder.join("log4j.properties"))?;
    Ok(())
}

/// What the way in with TLS asks of whoever comes.
fn security(folder: &Path) -> String {
    let (user, password, both) =
        (certificates::USER, certificates::PASSWORD, folder.join(certificates::BOTH).display().to_string());
    let (of, modules) = ("listener.name.secure", "org.apache.kafka.common.security");
    format!(
        "{of}.ssl.keystore.type=PEM\n{of}.ssl.keystore.location={both}\n\
         {of}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256\n\
         {of}.plain.sasl.jaas.config={modules}.plain.PlainLoginModule required user_{user}=\"{password}\";\n\
         {of}.scram-sha-256.sasl.jaas.config={modules}.scram.ScramLoginModule required;\n"
    )
}

/// Starts the server in its furnished folder and waits until it is ready.
fn run(jars: &Path, folder: &Path) -> Result<Running> {
    let before = readies(folder);
    let mut command = java(jars);
    command.args(["kafka.Kafka", "server.properties"]);
    let mut server = server::start("kafka", &mut command, folder)?.grace(GRACE);
    server::wait_until_ready("kafka", &mut server, folder, START_LIMIT, || readies(folder) > before)?;
    Ok(server)
}

/// How often it said that it is ready.
fn readies(folder: &Path) -> usize {
    server::said(folder, "kafka").matches(READY).count()
}

fn java(jars: &Path) -> Command {
    let mut java = Command::new("java");
    java.args(JAVA).arg("-Dlog4j.configuration=file:log4j.properties").arg("-cp").arg(jars.join("*"));
    java
}
