//! Benchmarks: what Weft costs beside bare axum and a model called natively, on the machine at hand.

mod args;
mod baseline;
mod bench;
mod child;
mod cpu;
mod functions;
mod host;
mod interrupt;
mod load;
mod machine;
mod measure;
mod model;
mod places;
mod report;
mod server;
mod statistics;
mod subject;
mod talk;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(code) => code,
        Err(error) => {
            talk::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Some(Command::ServeAxum(serve)) => baseline::serve(serve.file.as_deref()),
        Some(Command::Load(load)) => load::run(&load),
        Some(Command::BridgeKafka(bridge)) => measure::kafka::bridge(&bridge),
        Some(Command::BridgeAmqp(bridge)) => measure::amqp::bridge(&bridge),
        None => {
            interrupt::listen()?;
            bench::run(&args.bench)
        }
    }
}
