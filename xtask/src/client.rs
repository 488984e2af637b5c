//! Tests of the client for Python, against a host that they start themselves.

use std::process::Command;

use anyhow::Result;

use crate::{
    command::{self, cargo},
    guests,
    prepare::Install,
    python,
    workspace::{self, Workspace},
};

/// What they run on, seen from the root.
const REQUIREMENTS: &str = "deploy/dev/client.txt";

/// Where they are, seen from the root.
const FOLDER: &str = "sdk/client-python";

/// Brings what they run on.
pub(crate) fn install(install: Install) -> Result<()> {
    python::environment("client", REQUIREMENTS, install).map(drop)
}

/// Runs them.
pub(crate) fn run(is_built: bool) -> Result<()> {
    let programs = python::environment("client", REQUIREMENTS, Install::Forbidden)?;
    if !is_built {
        command::run(&mut cargo(["build", "--package", "host-cli"]))?;
        guests::build()?;
    }
    let target = Workspace::load()?.target_directory;
    let folder = workspace::root().join(FOLDER);
    let mut types = Command::new(programs.join("python"));
    types.args(["-B", "-m", "mypy", "--cache-dir", "/dev/null"]);
    command::run(types.current_dir(&folder))?;
    let mut tests = Command::new(programs.join("python"));
    tests.args(["-B", "-m", "pytest"]).current_dir(&folder);
    tests.env("WEFT_TEST_FN", target.join("debug/fn"));
    tests.env("WEFT_TEST_GUESTS", target.join(guests::TARGET).join("guest"));
    command::run(&mut tests)
}
