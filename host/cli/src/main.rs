//! `fn`: build, deploy and run functions and pipelines, or be the host that runs them.

mod args;
mod build;
mod cases;
mod client;
mod commands;
mod config;
mod contexts;
mod personal;
mod project;
mod serve;
mod sources;
mod ui;

use clap::Parser;

use crate::{args::Args, ui::Printer};

/// What was given back last is handed out first and still lies in the nearest cache: a short call asks for memory some
/// forty times.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    // One TLS implementation for every client of this process; it fails only where one was chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = Args::parse();
    let printer = Printer::new(args.json, args.quiet);
    match commands::run(args, &printer) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => printer.failure(&error),
    }
}
