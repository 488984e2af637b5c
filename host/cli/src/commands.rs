//! One file per command.

mod artifacts;
mod audit;
mod backup;
mod build;
mod config;
mod context;
mod dead_letters;
mod delete;
mod deploy;
mod gc;
mod invoke;
mod key;
mod list;
mod login;
mod logs;
mod migrate;
mod models;
mod namespaces;
mod new;
mod packages;
mod pipeline;
mod project;
mod restore;
mod rollback;
mod run;
mod runs;
mod secrets;
mod show;
mod sources;
mod test;
mod tokens;
mod triggers;
mod trust;
mod up;

use anyhow::Result;

use crate::{
    args::{Args, Command, ConfigCommand, MarketplaceCommand, PipelineCommand},
    client::Client,
    contexts::Connection,
    serve::Role,
    ui::{Exit, Printer, Stop},
};

/// Does what the command line says.
pub(crate) fn run(args: Args, printer: &Printer) -> Result<()> {
    // Only who talks to a host is bothered by what is wrong with their contexts.
    let connection = Connection::of(&args);
    match args.command {
        Command::Up(up) => up::run(&up, Role::Host, printer),
        Command::Marketplace(MarketplaceCommand::Serve(serve)) => up::run(&serve, Role::Registry, printer),
        Command::New(new) => new::run(&new, printer),
        Command::Build(source) => build::run(&source, printer),
        Command::Config(ConfigCommand::Show(up)) => config::show(&up, printer),
        Command::Pipeline(PipelineCommand::Graph(graph)) => pipeline::graph(&graph, printer),
        Command::Context(command) => context::run(&command, printer),
        Command::Key(command) => key::run(&command, printer),
        Command::Restore(restore) => block_on(restore::run(&restore, printer)),
        Command::Migrate(migrate) => block_on(migrate::run(&migrate, printer)),
        Command::Login(login) => block_on(login::run(&login, connection?, printer)),
        command => {
            let connection = connection?;
            let client = Client::new(&connection)?;
            block_on(dispatch(command, &connection.project, &client, printer))
        }
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
        Command::Packages(command) => packages::run(command, client, printer).await,
        Command::Trust(command) => trust::run(&command, client, printer).await,
        Command::Sources(command) => sources::run(command, client, printer),
        Command::Namespaces(command) => namespaces::run(&command, client, printer).await,
        Command::Gc(args) => gc::run(&args, client, printer).await,
        Command::Backup(args) => backup::run(&args, client, printer).await,
        Command::Project(command) => project::run(command, client, printer).await,
        Command::Triggers(command) => triggers::run(command, client, printer).await,
        Command::DeadLetters(command) => dead_letters::run(command, client, printer).await,
        Command::Secrets(command) => secrets::run(command, client, printer).await,
        Command::Tokens(command) => tokens::run(command, project, client, printer).await,
        Command::Audit(command) => audit::run(&command, client, printer).await,
        Command::Whoami => login::whoami(client, printer).await,
        Command::Up(_)
        | Command::Marketplace(_)
        | Command::New(_)
        | Command::Build(_)
        | Command::Config(_)
        | Command::Context(_)
        | Command::Key(_)
        | Command::Restore(_)
        | Command::Migrate(_)
        | Command::Login(_) => Ok(()),
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
