//! `cargo xtask interop`: tools of other people that take long to build, held against a host's registry. `wkg`, the
//! WebAssembly package tools, pushes a component, pulls it, and gets the same bytes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use crate::{command, demo::Host, guests, server, talk, workspace::Workspace};

/// Which release: its crates go with those we use.
const VERSION: &str = "0.16.1";

/// The component that travels.
const COMPONENT: &str = "conformance_hello.wasm";

/// Builds what is missing, and lets it push and pull.
pub(crate) fn run() -> Result<()> {
    let target = Workspace::load()?.target_directory;
    let wkg = install(&target)?;
    guests::build()?;
    command::run(&mut command::cargo(["build", "--package", "host-cli"]))?;
    let folder = server::folder("interop")?;
    let host = Host::start(target.join("debug/fn"), folder.path(), 0, None)?;
    let authority = host.url().trim_start_matches("http://").to_owned();
    let reference = format!("{authority}/interop/hello:1.0.0");
    let component = target.join(guests::TARGET).join("guest").join(COMPONENT);
    let pulled = folder.path().join("pulled.wasm");
    let tool = |args: &[&str]| {
        let mut command = Command::new(&wkg);
        command.args(["oci"]).args(args).args(["--insecure", &authority]).current_dir(folder.path());
        command
    };
    let annotation = "org.opencontainers.image.licenses=Apache-2.0";
    command::run(tool(&["push", &reference]).arg(&component).args(["--annotation", annotation]))?;
    command::run(tool(&["pull", &reference]).arg("-o").arg(&pulled))?;
    if fs::read(&component)? != fs::read(&pulled)? {
        bail!("wkg pulled other bytes than it pushed");
    }
    talk::say("wkg pushed a component and pulled the same bytes");
    Ok(())
}

/// Where it is, built once; that takes minutes.
fn install(target: &Path) -> Result<PathBuf> {
    let root = target.join("interop");
    let program = root.join("bin/wkg");
    if !program.is_file() {
        let mut install = command::cargo(["install", "--locked", "wkg", "--version", VERSION, "--root"]);
        command::run(install.arg(&root))?;
    }
    Ok(program)
}
