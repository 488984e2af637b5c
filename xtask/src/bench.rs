//! `cargo xtask bench`: the benchmarks, in release.

use anyhow::Result;

use crate::{command, guests};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Handed to the benchmarks, such as `--json`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Builds the guests and runs host-bench.
pub(crate) fn run(args: &Args) -> Result<()> {
    guests::build()?;
    let bench = ["run", "--release", "--package", "host-bench", "--"].map(str::to_owned);
    command::run(&mut command::cargo(bench.into_iter().chain(args.args.iter().cloned())))
}
