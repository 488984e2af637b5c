//! `cargo xtask`: the chores of this repository, in Rust. It builds with Rust alone and prepares the rest.

mod bench;
mod certificates;
mod chaos;
mod client;
mod command;
mod componentize;
mod contract;
mod demo;
mod fuzz;
mod generate;
mod guests;
mod interop;
mod interrupt;
mod javascript;
mod kafka;
mod library;
mod moto;
mod packages;
mod postgres;
mod prepare;
mod process;
mod python;
mod rabbitmq;
mod redis;
mod science;
mod server;
mod servers;
mod talk;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Prepare this machine, then run every check: formatting, lints, guests, tests, docs, licences, demo
    Test(test::Args),
    /// Show Weft at work: build it, start a host, deploy, call, and stay up until Ctrl-C
    Demo(demo::Args),
    /// Build every guest to WebAssembly, for the tests and the demo
    Guests,
    /// Pack and sign the functions of the standard library, which a fresh `fn up` offers as `std`
    Library(library::Args),
    /// Write the snapshots anew, such as openapi.json; look at the difference before you commit it
    Gen,
    /// Run the benchmarks, built as what is shipped; what follows `--` goes to them
    Bench(bench::Args),
    /// Break everything around two hosts for minutes, brokers included, and see that streams lose nothing
    Chaos(chaos::Args),
    /// Hold the registry against tools of other people that take minutes to build
    Interop,
    /// Feed random bytes to what reads from outside, until something breaks or the time is over
    Fuzz(fuzz::Args),
    /// Start a throwaway Postgres for tests, print its address, stop it at Ctrl-C
    Postgres,
    /// Start a throwaway S3 for tests, print its address, stop it at Ctrl-C
    S3,
    /// Start a throwaway Kafka for tests, print its address, stop it at Ctrl-C
    Kafka,
    /// Start a throwaway RabbitMQ for tests, print its address, stop it at Ctrl-C
    Rabbitmq,
    /// Start a throwaway Redis for tests, print its address, stop it at Ctrl-C
    Redis,
    /// Say what this machine lacks, and install nothing
    Doctor,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match interrupt::listen().map_err(Into::into).and_then(|()| run(args.chore)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            talk::error(&error);
            if interrupt::asked() { ExitCode::from(130) } else { ExitCode::FAILURE }
        }
    }
}

fn run(chore: Chore) -> Result<()> {
    match chore {
        Chore::Test(args) => test::run(&args),
        Chore::Demo(args) => demo::run(&args),
        Chore::Guests => guests::all(),
        Chore::Library(args) => library::run(&args),
        Chore::Gen => generate::run(),
        Chore::Bench(args) => bench::run(&args),
        Chore::Chaos(args) => chaos::run(&args),
        Chore::Interop => interop::run(),
        Chore::Fuzz(args) => fuzz::run(&args),
        Chore::Postgres => postgres::serve(),
        Chore::S3 => moto::serve(),
        Chore::Kafka => kafka::serve(),
        Chore::Rabbitmq => rabbitmq::serve(),
        Chore::Redis => redis::serve(),
        Chore::Doctor => prepare::doctor(),
    }
}
