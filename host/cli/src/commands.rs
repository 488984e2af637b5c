//! One file per command.

mod artifacts;
mod build;
mod config;
mod delete;
mod deploy;
mod invoke;
mod list;
mod logs;
mod models;
mod new;
mod pipeline;
mod rollback;
mod run;
mod runs;
mod show;
mod test;
mod up;

use anyhow::Result;

use crate::{
    args::{Args, Command, ConfigCommand, PipelineCommand},
    client::Client,
    ui::{Exit, Printer, Stop},
};

/// Does what the command line says.
pub(crate) fn run(args: Args, printer: &Printer) -> Result<()> {
    let client = Client::new(&args.host, &args.project)?;
    match args.command {
        Command::Up(up) => up::run(&up, printer),
        Command::New(new) => new::run(&new, printer),
        Command::Build(source) => build::run(&source, printer),
        Command::Config(ConfigCommand::Show(up)) => config::show(&up, printer),
        Command::Pipeline(PipelineCommand::Graph(graph)) => pipeline::graph(&graph, printer),
        command => block_on(dispatch(command, &args.project, &client, printer)),
    }
}

async fn dispatch(command: Command, project: &str, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        Command::Deploy(args) => deploy::run(&args, client, printer).await,
        Command::Test(args) => test::run(&args, printer).await,
        Command::List => list::run(client, printer).await,
        Command::Show(args) => show::run(&args, client, printer).await,
        Command::Invoke(args) => invoke::run(&args, client, printer).await,
        Command::Logs(args) => logs::run(&args, client, printer).await,
        Command::Rollback(args) => rollback::run(&args, client, printer).await,
        Command::Delete(args) => delete::run(&args, client, printer).await,
        Command::Run(args) => run::run(&args, project, client, printer).await,
        Command::Pipeline(command) => pipeline::run(command, project, client, printer).await,
        Command::Runs(command) => runs::run(command, client, printer).await,
        Command::Artifacts(command) => artifacts::run(command, client, printer).await,
        Command::Models(command) => models::run(command, client, printer).await,
        Command::Up(_) | Command::New(_) | Command::Build(_) | Command::Config(_) => Ok(()),
    }
}

fn block_on(future: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            result = future => result,
            _ = tokio::signal::ctrl_c() => Err(Stop::new(Exit::Failed, "interrupted").into()),
        }
    })
}
