//! The options of `fn runs`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::RunResponseArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, newest first.
    List(RunsListArgs),
    /// Show a run: its steps, trials, results and artifacts.
    Show(RunIdArgs),
    /// Show what a run's steps wrote and logged.
    Logs(RunLogsArgs),
    /// Run again what failed or changed.
    Retry(RunIdArgs),
    /// Stop a run.
    Cancel(RunIdArgs),
    /// Do a run again from its record, and compare the bytes.
    Reproduce(RunIdArgs),
    /// Show what a request was answered that was to be answered later.
    Response(RunResponseArgs),
    /// Send runs that were tracked without a host.
    Push(RunsPushArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunsPushArgs {
    /// The runs' ids, or the beginnings of them.
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub(crate) ids: Vec<String>,
    /// Every run that is over and was not sent to this project of this host yet.
    #[arg(long, conflicts_with = "ids")]
    pub(crate) all: bool,
    /// The folder that the runs were tracked in.
    #[arg(long, value_name = "FOLDER", default_value = ".weft/runs")]
    pub(crate) from: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunsListArgs {
    /// Only runs in this state: running, done, failed or cancelled.
    #[arg(long)]
    pub(crate) state: Option<String>,
    /// Only runs of this pipeline or function.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// How many.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u32,
    /// Begin after this one, the `next` of the page before.
    #[arg(long)]
    pub(crate) after: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunIdArgs {
    /// The run's id, or the beginning of it.
    pub(crate) id: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunLogsArgs {
    /// The run's id, or the beginning of it.
    pub(crate) id: String,
    /// Only this step.
    #[arg(long)]
    pub(crate) step: Option<String>,
    /// Keep following.
    #[arg(long, short)]
    pub(crate) follow: bool,
}
