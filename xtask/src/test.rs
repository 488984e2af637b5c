//! `cargo xtask test`: every check in order, with how long each took, and nothing left running.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::{
    client,
    command::{self, Tally, cargo},
    componentize, contract, demo, guests, javascript, kafka, moto, packages,
    prepare::{self, Install, Need},
    science,
    servers::Servers,
    talk,
};

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these parts, in their usual order
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    /// Install nothing; where something is missing, print the command that brings it, and fail
    #[arg(long)]
    no_install: bool,
}

/// The parts, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Every file is formatted
    Fmt,
    /// No lint objects
    Clippy,
    /// Every guest compiles to WebAssembly
    Guests,
    /// The house rules, unit and integration tests, with throwaway servers: Postgres, S3, Kafka, RabbitMQ and Redis
    Tests,
    /// The documentation builds and its links lead somewhere
    Docs,
    /// Every dependency may be shipped
    Licences,
    /// The demo works from start to end
    Demo,
    /// The API does what its description says
    Contract,
    /// The client for Python does what it says, against a host
    Client,
}

/// How a part went.
#[derive(Debug)]
struct Row {
    name: String,
    how: String,
    took: Option<Duration>,
}

/// Prepares the machine, runs the parts up to the first that fails, and prints a table of what happened.
pub(crate) fn run(args: &Args) -> Result<()> {
    let started = Instant::now();
    let parts: Vec<Part> =
        Part::value_variants().iter().copied().filter(|it| args.only.is_empty() || args.only.contains(it)).collect();
    let mut table = Vec::new();
    let result = run_all(&parts, args.install(), &mut table);
    talk::say("");
    for row in &table {
        talk::say(row);
    }
    let verdict = if result.is_ok() { "passed" } else { "failed" };
    talk::say(format_args!("{verdict} in {}", talk::took(started.elapsed())));
    result
}

fn run_all(parts: &[Part], install: Install, table: &mut Vec<Row>) -> Result<()> {
    let mut result = step(table, "prepare", || prepare(parts, install));
    for part in parts {
        if result.is_err() {
            table.push(Row { name: part.name(), how: "not run".into(), took: None });
            continue;
        }
        result = step(table, &part.name(), || part.run(parts));
    }
    result
}

/// Runs one line of the table.
fn step(table: &mut Vec<Row>, name: &str, work: impl FnOnce() -> Result<String>) -> Result<()> {
    talk::say(format_args!("\n== {name}"));
    let started = Instant::now();
    let result = work();
    let how = result.as_ref().map_or_else(|_| "FAILED".into(), Clone::clone);
    table.push(Row { name: name.into(), how, took: Some(started.elapsed()) });
    result.map(drop).with_context(|| format!("{name} failed"))
}

/// Brings what `parts` call.
fn prepare(parts: &[Part], install: Install) -> Result<String> {
    prepare::toolchain(install)?;
    let mut needs: Vec<Need> = vec![prepare::C_COMPILER, prepare::PKG_CONFIG];
    if parts.contains(&Part::Tests) {
        needs.extend(prepare::SERVERS);
    } else if parts.contains(&Part::Contract) || parts.contains(&Part::Client) {
        needs.push(prepare::PYTHON);
    }
    prepare::system(&needs, install)?;
    prepare::wasm_target(install)?;
    if parts.contains(&Part::Tests) {
        moto::install(install)?;
        kafka::install(install)?;
        science::programs(install)?;
        componentize::programs(install)?;
    }
    if parts.contains(&Part::Guests) {
        javascript::install(install)?;
    }
    if parts.contains(&Part::Contract) {
        contract::install(install)?;
    }
    if parts.contains(&Part::Client) {
        client::install(install)?;
    }
    Ok("ok".into())
}

impl Args {
    fn install(&self) -> Install {
        if self.no_install { Install::Forbidden } else { Install::Allowed }
    }
}

impl Part {
    fn name(self) -> String {
        self.to_possible_value().map(|it| it.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether `fn` and the guests have been built by earlier parts.
    fn built(parts: &[Self]) -> bool {
        parts.contains(&Self::Tests) && parts.contains(&Self::Guests)
    }

    /// Runs it; the text says in a few words what came of it.
    fn run(self, parts: &[Self]) -> Result<String> {
        match self {
            Self::Fmt => command::run(&mut cargo(["fmt", "--all", "--check"]))?,
            Self::Clippy => {
                command::run(&mut cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
            }
            Self::Guests => guests::all()?,
            Self::Tests => return tests(),
            Self::Docs => {
                let mut docs = cargo(["doc", "--workspace", "--no-deps"]);
                command::run(docs.env("RUSTDOCFLAGS", "-D warnings"))?;
            }
            Self::Licences => return licences(),
            Self::Demo => demo::run(&demo::Args::once(Self::built(parts)))?,
            Self::Contract => contract::run(Self::built(parts))?,
            Self::Client => client::run(Self::built(parts))?,
        }
        Ok("ok".into())
    }
}

/// All tests of the workspace in one go, with every server that some of them talk to.
fn tests() -> Result<String> {
    let servers = Servers::start()?;
    let mut tests = cargo(["test", "--workspace", "--no-fail-fast"]);
    tests.envs(servers.variables()).envs(packages::variables());
    tests.envs(componentize::variables()?);
    tests.envs(javascript::variables()?);
    tests.env(science::VARIABLE, science::programs(Install::Forbidden)?);
    let Tally { passed, failed, ignored } = command::run_tests(&mut tests)?;
    Ok(format!("{passed} passed, {failed} failed, {ignored} ignored"))
}

/// cargo-deny takes minutes to build, so it is used where it is, and the licences are checked without it elsewhere.
fn licences() -> Result<String> {
    if command::succeeds(&mut cargo(["deny", "--version"])) {
        command::run(&mut cargo(["deny", "check"]))?;
        return Ok("ok".into());
    }
    command::run(&mut cargo(["test", "--quiet", "--package", "xtask", "--test", "tidy", "licences"]))?;
    Ok("ok; for advisories too: cargo install cargo-deny --locked".into())
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let took = self.took.map(talk::took).unwrap_or_default();
        write!(f, "{:<9} {took:>12}   {}", self.name, self.how)
    }
}
