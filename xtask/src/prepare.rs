//! What the chores need beyond Rust: found, installed where we may, else named with the one command that brings it.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use crate::{
    command, guests, javascript, packages, postgres, python, rabbitmq, redis,
    talk::{self, Hinted},
    workspace,
};

/// Whether missing things may be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Install {
    /// By rustup and, with root or a sudo that asks nothing, by apt-get.
    Allowed,
    /// Only say what is missing.
    Forbidden,
}

/// Something a chore calls that does not come with Rust.
#[derive(Debug)]
pub(crate) struct Need {
    what: &'static str,
    package: &'static str,
    is_there: fn() -> bool,
}

/// Compiles the C in ring and SQLite.
pub(crate) const C_COMPILER: Need = Need {
    what: "a C compiler",
    package: "build-essential",
    is_there: || ["cc", "gcc", "clang"].iter().any(|it| command::succeeds(Command::new(it).arg("--version"))),
};

/// Finds native libraries for build scripts.
pub(crate) const PKG_CONFIG: Need = Need {
    what: "pkg-config",
    package: "pkg-config",
    is_there: || command::succeeds(Command::new("pkg-config").arg("--version")),
};

/// The database that production uses.
pub(crate) const POSTGRES: Need =
    Need { what: "PostgreSQL's programs", package: "postgresql", is_there: || postgres::programs().is_some() };

/// Runs the stand-in for S3.
pub(crate) const PYTHON: Need =
    Need { what: "Python 3 with venv", package: "python3-venv", is_there: python::is_there };

/// The AMQP server. It comes with the Erlang it runs on.
pub(crate) const RABBITMQ: Need = Need {
    what: "RabbitMQ's programs",
    package: "rabbitmq-server",
    is_there: || rabbitmq::program().is_some() && command::on_path("epmd").is_some(),
};

/// The store of keys and values that several hosts share.
pub(crate) const REDIS: Need = Need { what: "Redis", package: "redis-server", is_there: redis::is_there };

/// Runs Kafka.
pub(crate) const JAVA: Need = Need {
    what: "Java",
    package: "default-jre-headless",
    is_there: || command::succeeds(Command::new("java").arg("-version")),
};

/// Fetches Kafka.
pub(crate) const MAVEN: Need =
    Need { what: "Maven", package: "maven", is_there: || command::succeeds(Command::new("mvn").arg("--version")) };

/// A client of registries that is not ours.
pub(crate) const SKOPEO: Need = Need { what: "skopeo", package: "skopeo", is_there: packages::has_skopeo };

/// A registry that is not ours.
pub(crate) const DOCKER_REGISTRY: Need =
    Need { what: "Docker's registry", package: "docker-registry", is_there: packages::has_registry };

/// All the servers that tests talk to.
pub(crate) const SERVERS: [Need; 8] = [POSTGRES, PYTHON, RABBITMQ, REDIS, JAVA, MAVEN, SKOPEO, DOCKER_REGISTRY];

/// The script that installs Debian packages without starting their daemons, seen from the root.
const INSTALLER: &str = "deploy/dev/debian.sh";

/// Makes sure that all of `needs` are there.
pub(crate) fn system(needs: &[Need], install: Install) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|it| !(it.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if install == Install::Forbidden {
        return Err(lacking(&missing).into());
    }
    let Some(mut installer) = installer() else { return Err(lacking(&missing).into()) };
    installer.args(missing.iter().map(|it| it.package)).current_dir(workspace::root());
    command::run(&mut installer)?;
    let still: Vec<&Need> = missing.into_iter().filter(|it| !(it.is_there)()).collect();
    if still.is_empty() { Ok(()) } else { Err(lacking(&still).into()) }
}

/// Makes sure that Rust can build guests.
pub(crate) fn wasm_target(install: Install) -> Result<()> {
    if has_wasm_target()? {
        return Ok(());
    }
    let by_hand = format!("rustup target add {}", guests::TARGET);
    if install == Install::Forbidden || !has_rustup() {
        return Err(Hinted::new(format!("Rust lacks the target {}", guests::TARGET), by_hand).into());
    }
    command::run(&mut rustup(&["target", "add", guests::TARGET]))
}

/// Makes sure that the parts of the toolchain which the checks call are there.
pub(crate) fn toolchain(install: Install) -> Result<()> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if command::succeeds(&mut command::cargo([subcommand, "--version"])) {
            continue;
        }
        if install == Install::Forbidden || !has_rustup() {
            return Err(
                Hinted::new(format!("Rust lacks {component}"), format!("rustup component add {component}")).into()
            );
        }
        command::run(&mut rustup(&["component", "add", component]))?;
    }
    Ok(())
}

/// Says for each thing whether it is there.
pub(crate) fn doctor() -> Result<()> {
    let mut missing = Vec::new();
    for need in [C_COMPILER, PKG_CONFIG].into_iter().chain(SERVERS) {
        let there = (need.is_there)();
        talk::answer(format_args!("{:8} {}", if there { "ok" } else { "missing" }, need.what));
        if !there {
            missing.push(need);
        }
    }
    let target = has_wasm_target()?;
    talk::answer(format_args!("{:8} Rust target {}", if target { "ok" } else { "missing" }, guests::TARGET));
    let node = if javascript::is_there() { "ok" } else { "missing" };
    talk::answer(format_args!("{node:8} Node.js with npm; where it is missing, one is installed below target/"));
    system(&missing, Install::Forbidden)?;
    wasm_target(Install::Forbidden)?;
    toolchain(Install::Forbidden)
}

fn lacking(missing: &[&Need]) -> Hinted {
    let what: Vec<_> = missing.iter().map(|it| it.what).collect();
    let packages: Vec<_> = missing.iter().map(|it| it.package).collect();
    let hint = if Path::new("/usr/bin/apt-get").exists() {
        format!("sudo {INSTALLER} {}", packages.join(" "))
    } else {
        format!("install them and put them on the PATH; Debian calls them {}", packages.join(", "))
    };
    Hinted::new(format!("this machine lacks {}", what.join(", ")), hint)
}

/// The installer, run as root if we are or become root without being asked anything.
fn installer() -> Option<Command> {
    if !Path::new("/usr/bin/apt-get").exists() {
        return None;
    }
    if rustix::process::geteuid().is_root() {
        return Some(Command::new(INSTALLER));
    }
    command::succeeds(Command::new("sudo").args(["-n", "true"])).then(|| {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", INSTALLER]);
        sudo
    })
}

/// Looks into the toolchain itself, so that it also works without rustup.
fn has_wasm_target() -> Result<bool> {
    let sysroot = command::output(rustc().args(["--print", "sysroot"])).context("could not ask rustc")?;
    Ok(Path::new(sysroot.trim()).join("lib/rustlib").join(guests::TARGET).join("lib").is_dir())
}

fn rustc() -> Command {
    let mut command = Command::new("rustc");
    command.current_dir(workspace::root());
    command
}

fn has_rustup() -> bool {
    command::succeeds(&mut rustup(&["--version"]))
}

fn rustup(args: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command.args(args).current_dir(workspace::root()).stdin(Stdio::null());
    command
}
