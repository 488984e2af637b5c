//! `cargo xtask demo`: Weft at work, from a build to answers over HTTP, step by step.

mod host;
mod steps;
mod stream;

use std::{path::Path, thread};

use anyhow::{Context as _, Result};

pub(crate) use self::host::Host;
use crate::{
    command::{self, cargo},
    guests, interrupt, library,
    postgres::Postgres,
    prepare::{self, Install},
    talk,
    workspace::Workspace,
};

/// How to show it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// End when all steps are done instead of staying up
    #[arg(long)]
    once: bool,
    /// Keep runs and artifacts in a throwaway Postgres instead of SQLite
    #[arg(long)]
    postgres: bool,
    /// Show instead how models that arrive in Kafka are swapped while records are scored
    #[arg(long, conflicts_with = "postgres")]
    stream: bool,
    /// The port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Take `fn` and the guests as they are
    #[arg(long)]
    no_build: bool,
}

impl Args {
    /// The demo as a test; the tests before it have built what it needs.
    pub(crate) fn once(is_built: bool) -> Self {
        Self { once: true, postgres: false, stream: false, port: 0, no_build: is_built }
    }
}

/// Builds, starts a host, shows every step, and leaves nothing running.
pub(crate) fn run(args: &Args) -> Result<()> {
    let workspace = build(args)?;
    // Dropped from the last to the first: the host stops before its database, and both before the folder goes.
    let folder = tempfile::Builder::new().prefix("weft-demo-").tempdir().context("could not make a folder")?;
    if args.stream {
        return stream::run(args, &workspace, folder.path());
    }
    let postgres = args.postgres.then(Postgres::start).transpose()?;
    let host = start_host(args, &workspace, folder.path(), postgres.as_ref())?;
    for (number, step) in steps::STEPS.iter().enumerate() {
        interrupt::check()?;
        talk::say(format_args!("\n== {} of {}: {}", number + 1, steps::STEPS.len(), step.title));
        (step.work)(&host).with_context(|| format!("could not {}", step.title))?;
    }
    addresses(&host);
    if !args.once {
        stay_up(host)?;
    }
    Ok(())
}

/// A host that has gone through every step, with what it keeps in `folder`.
pub(crate) fn staged(is_built: bool, folder: &Path) -> Result<Host> {
    let args = Args::once(is_built);
    let host = start_host(&args, &build(&args)?, folder, None)?;
    steps::STEPS.iter().try_for_each(|step| (step.work)(&host))?;
    Ok(host)
}

fn build(args: &Args) -> Result<Workspace> {
    if args.no_build {
        return Workspace::load();
    }
    talk::say("== build `fn` and the guests (the first time takes minutes)");
    let mut needs = vec![prepare::C_COMPILER];
    if args.postgres {
        needs.push(prepare::POSTGRES);
    }
    prepare::system(&needs, Install::Allowed)?;
    command::run(&mut cargo(["build", "--package", "host-cli"]))?;
    guests::build()?;
    talk::say("\n== pack and sign the library of functions");
    library::pack()?;
    Workspace::load()
}

fn start_host(args: &Args, workspace: &Workspace, folder: &Path, postgres: Option<&Postgres>) -> Result<Host> {
    talk::say("\n== start a host");
    let program = workspace.target_directory.join("debug/fn");
    let host = Host::start(program, folder, args.port, postgres.map(Postgres::url))?;
    talk::say(format_args!("listening on {}", host.url()));
    Ok(host)
}

fn addresses(host: &Host) {
    talk::say("\n== look around");
    for (path, what) in steps::ADDRESSES {
        talk::answer(format_args!("{}{path}  {what}", host.url()));
    }
}

/// Until Ctrl-C, or until the host ends by itself, which is a failure.
fn stay_up(mut host: Host) -> Result<()> {
    talk::say("\nstays up until Ctrl-C");
    while !interrupt::asked() {
        host.check()?;
        thread::sleep(interrupt::GLANCE);
    }
    talk::say("\nstopping");
    Ok(())
}
