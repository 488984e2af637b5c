//! `cargo xtask fuzz`: random bytes for what reads from outside, guided by which code they reach.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{
    command::{self, cargo},
    workspace::{self, Workspace},
};

/// The targets; host/fuzz has the code and the corpus of each.
const TARGETS: [&str; 4] = ["event", "inference", "manifest", "pipeline"];

/// What makes the compiler count the edges that an input reaches, in words a stable compiler takes.
const COVERAGE: &str = "--cfg fuzzing -Cdebug-assertions -Ccodegen-units=1 -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// What to feed, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The readers to feed; all, one after the other, when none is named
    #[arg(value_parser = TARGETS)]
    targets: Vec<String>,
    /// How long to feed each
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// Builds the driver in a folder of its own and feeds each target. An input that breaks one is left in
/// `target/fuzz/found/`; add it to the corpus with the mend.
pub(crate) fn run(args: &Args) -> Result<()> {
    let target_folder = Workspace::load()?.target_directory.join("fuzz");
    let triple = triple()?;
    let mut build = cargo(["build", "--package", "host-fuzz", "--features", "libfuzzer", "--bin", "fuzz", "--release"]);
    build.args(["--target", &triple]).arg("--target-dir").arg(&target_folder).env("RUSTFLAGS", COVERAGE);
    command::run(&mut build)?;
    let all: Vec<String> = TARGETS.iter().map(|it| (*it).to_owned()).collect();
    for target in if args.targets.is_empty() { &all } else { &args.targets } {
        // New inputs go to the first folder, so that the corpus in the repository stays as small as it is.
        let learnt = target_folder.join("learnt").join(target);
        let found = target_folder.join("found").join(target);
        for folder in [&learnt, &found] {
            fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
        }
        let mut feed = Command::new(target_folder.join(&triple).join("release/fuzz"));
        feed.arg(&learnt).arg(workspace::root().join("host/fuzz/corpus").join(target));
        feed.args([format!("-max_total_time={}", args.seconds), "-timeout=10".into(), "-max_len=4096".into()]);
        feed.arg("-print_final_stats=1").arg(format!("-artifact_prefix={}/", found.display()));
        command::run(feed.env("WEFT_FUZZ_TARGET", target))?;
    }
    Ok(())
}

/// What this machine is; naming it keeps build scripts and macros free of the counters.
fn triple() -> Result<String> {
    let told = command::output(Command::new("rustc").arg("-vV"))?;
    let Some(triple) = told.lines().find_map(|it| it.strip_prefix("host: ")) else {
        bail!("`rustc -vV` names no host");
    };
    Ok(triple.to_owned())
}
