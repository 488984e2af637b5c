//! `cargo xtask bench`: the benchmarks, in release.

use std::process::Command;

use anyhow::Result;

use crate::{
    command::{self, cargo},
    guests,
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
    guests::build()?;
    command::run(&mut cargo(["build", "--release", "--package", "host-cli", "--package", "host-bench"]))?;
    let program = Workspace::load()?.target_directory.join("release/host-bench");
    command::run(Command::new(program).args(&args.args).current_dir(workspace::root()))
}
