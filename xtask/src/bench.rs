//! `cargo xtask bench`: the benchmarks, built as what is shipped.

use std::{env, fs, iter, path::Path, process::Command};

use anyhow::{Context as _, Result};

use crate::{
    command::{self, cargo},
    componentize, guests, javascript,
    prepare::Install,
    python, talk,
    workspace::{self, Workspace},
};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Handed to the benchmarks, such as `--json`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Builds `fn`, the guests and host-bench, and runs the last, which starts the others.
pub(crate) fn run(args: &Args) -> Result<()> {
    guests::all()?;
    talk::say("building with the profile `dist`: the first time takes a quarter of an hour");
    command::run(&mut cargo(["build", "--profile", "dist", "--package", "host-cli", "--package", "host-bench"]))?;
    let programs = Workspace::load()?.target_directory.join("dist");
    guest_in_python(&programs.join("fn"))?;
    command::run(Command::new(programs.join("host-bench")).args(&args.args).current_dir(workspace::root()))
}

/// The conformance suite's guest in Python, which `fn` builds: beside those in JavaScript.
fn guest_in_python(program: &Path) -> Result<()> {
    if !python::is_there() {
        talk::say("no Python 3 with venv here: Python is not measured");
        return Ok(());
    }
    let programs = componentize::programs(Install::Allowed)?;
    let guests = javascript::folder()?;
    let folder = guests.join("python");
    let copied = fs::create_dir_all(&folder).and_then(|()| {
        ["main.py", "function.toml"].iter().try_for_each(|file| {
            fs::copy(workspace::root().join("sdk/python/suite").join(file), folder.join(file)).map(drop)
        })
    });
    copied.context("could not copy the guest in Python")?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(iter::once(programs).chain(env::split_paths(&path)))?;
    command::run(Command::new(program).arg("build").arg(&folder).env("PATH", path))?;
    fs::copy(folder.join("python.wasm"), guests.join("python.wasm")).context("could not keep the guest in Python")?;
    Ok(())
}
