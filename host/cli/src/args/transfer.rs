//! The options of `fn backup`, `fn restore`, `fn migrate` and `fn project`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

/// Where an installation is kept, for commands that work on it without a host.
#[derive(Debug, Default, ClapArgs)]
pub(crate) struct Installation {
    /// The data folder.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// A Postgres instead of the SQLite file in the data folder.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// A configuration file; `weft.toml` is read when it is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct BackupArgs {
    /// The file to write.
    pub(crate) file: PathBuf,
    /// Leave out the bytes of artifacts, because an object store keeps them.
    #[arg(long)]
    pub(crate) no_artifacts: bool,
    /// Back up a host that is stopped, from its data folder.
    #[arg(long)]
    pub(crate) local: bool,
    /// With --local, put the key of the secrets into the backup: whoever has the file can read them.
    #[arg(long, requires = "local")]
    pub(crate) with_key: bool,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RestoreArgs {
    /// The backup.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct MigrateArgs {
    /// The database to move to: postgres://…, or a data folder for SQLite. It must be empty.
    #[arg(long, value_name = "URL|FOLDER")]
    pub(crate) to: String,
    /// Copy the bytes of artifacts, too: s3://…, gs://…, az://… or file:///folder.
    #[arg(long, value_name = "URL")]
    pub(crate) artifacts: Option<String>,
    #[command(flatten)]
    pub(crate) installation: Installation,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProjectCommand {
    /// List projects.
    List,
    /// Write a project to a file: functions, models, endpoints, runs and their artifacts; of secrets only the names.
    Export(ProjectExportArgs),
    /// Make a project of such a file.
    Import(ProjectImportArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ProjectExportArgs {
    /// The project.
    pub(crate) name: String,
    /// The file to write.
    pub(crate) file: PathBuf,
    /// Leave out runs and what they made.
    #[arg(long)]
    pub(crate) no_runs: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ProjectImportArgs {
    /// The file.
    pub(crate) file: PathBuf,
    /// Import it under this name instead of its own.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunResponseArgs {
    /// The run's id, or the beginning of it.
    pub(crate) id: String,
    /// The file to write; standard output when absent.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
