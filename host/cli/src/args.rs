//! The command line of `fn`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

mod gc;
mod identity;
mod marketplace;
mod packages;
mod runs;
mod secrets;
mod streams;
mod transfer;
mod triggers;

pub(crate) use gc::GcArgs;
pub(crate) use identity::{
    AuditCommand, AuditListArgs, ContextCommand, Keeper, LoginArgs, Role, TokensCommand, TokensCreateArgs,
    TokensListArgs, TokensRevokeArgs,
};
pub(crate) use marketplace::{MarketplaceCommand, NamespacesCommand, NamespacesListArgs, OwnerRole};
pub(crate) use packages::{
    DeprecateArgs, DocArgs, KeyCommand, KeyNewArgs, MirrorArgs, PackagesCommand, PublishArgs, PullArgs, SearchArgs,
    SignArgs, SignaturesArg, SourcesAddArgs, SourcesCommand, TrustAddArgs, TrustCommand, VerifyArgs, YankArgs,
};
pub(crate) use runs::{RunIdArgs, RunLogsArgs, RunsCommand, RunsListArgs, RunsPushArgs};
pub(crate) use secrets::{SecretsCommand, SecretsSetArgs};
pub(crate) use streams::{StreamArgs, StreamsAddArgs, StreamsCommand};
pub(crate) use transfer::{
    BackupArgs, Installation, MigrateArgs, ProjectCommand, ProjectExportArgs, ProjectImportArgs, RestoreArgs,
    RunResponseArgs,
};
pub(crate) use triggers::{DeadLettersCommand, DeadLettersListArgs, TriggersCommand, TriggersSeekArgs};

/// Functions, pipelines and models on one host.
#[derive(Debug, Parser)]
#[command(name = "fn", version, about, max_term_width = 100, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Args {
    /// Answer in JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say only what was asked for.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// The host to talk to: its address, or the name of a context; http://127.0.0.1:7070 unless you are logged in.
    #[arg(long, global = true, env = "WEFT_HOST", value_name = "URL|CONTEXT")]
    pub(crate) host: Option<String>,
    /// The project to work in; `default` unless the context says otherwise.
    #[arg(long, global = true, env = "WEFT_PROJECT", value_name = "NAME")]
    pub(crate) project: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a host: control plane, functions and inference on one port.
    Up(UpArgs),
    /// Write a new function to a folder.
    New(NewArgs),
    /// Compile a function to a component.
    Build(SourceArgs),
    /// Build a function and make it the one that answers.
    Deploy(DeployArgs),
    /// Run a function's cases in the real engine.
    Test(TestArgs),
    /// List functions.
    List,
    /// Show a function: its revisions, triggers and recent calls.
    Show(NameArgs),
    /// Call a function.
    Invoke(InvokeArgs),
    /// Show what functions wrote and logged.
    Logs(LogsArgs),
    /// Go back to the revision before.
    Rollback(RollbackArgs),
    /// Take a function out of service; its records stay.
    Delete(NameArgs),
    /// Run a job and wait for it.
    Run(RunArgs),
    /// Check, submit and draw pipelines.
    #[command(subcommand)]
    Pipeline(PipelineCommand),
    /// Runs of pipelines and jobs.
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Bytes that runs made.
    #[command(subcommand)]
    Artifacts(ArtifactsCommand),
    /// Models, their versions and aliases.
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Triggers that wake functions: streams, the clock, what happens on the platform.
    #[command(subcommand)]
    Triggers(TriggersCommand),
    /// Events that were given up.
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Secrets: values that functions are granted by name.
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Tokens: who may ask a host for what.
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Show a host a token and remember both.
    Login(LoginArgs),
    /// Say who the host takes you for.
    Whoami,
    /// The hosts you are logged in to.
    #[command(subcommand)]
    Context(ContextCommand),
    /// Who changed what.
    #[command(subcommand)]
    Audit(AuditCommand),
    #[command(flatten)]
    Packages(PackagesCommand),
    /// Keys that sign packages.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Whose packages the project takes.
    #[command(subcommand)]
    Trust(TrustCommand),
    /// Where packages are looked for.
    #[command(subcommand)]
    Sources(SourcesCommand),
    /// A registry of packages by itself.
    #[command(subcommand)]
    Marketplace(MarketplaceCommand),
    /// Namespaces of packages, and who may publish in them.
    #[command(subcommand)]
    Namespaces(NamespacesCommand),
    /// Say what nobody needs any more, and take it away with --apply.
    Gc(GcArgs),
    /// Write everything of an installation to one file.
    Backup(BackupArgs),
    /// Restore a backup into an empty installation.
    Restore(RestoreArgs),
    /// Move an installation to another database.
    Migrate(MigrateArgs),
    /// Projects as files.
    #[command(subcommand)]
    Project(ProjectCommand),
    /// The configuration of a host.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Default, ClapArgs)]
pub(crate) struct UpArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// The folder for the database, artifacts and compiled code.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// A Postgres to use instead of the SQLite file in the data folder.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// The certificate to serve TLS with, a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its private key, a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// A proxy before this host ends TLS, and says in `x-forwarded-for` for whom it asks.
    #[arg(long)]
    pub(crate) behind_proxy: bool,
    /// A configuration file; `weft.toml` is read when it is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Template {
    /// Answers events, typed by serde.
    Handler,
    /// Answers HTTP requests.
    Http,
    /// Runs to completion with inputs and outputs.
    Job,
    /// Answers events, in Python.
    PythonHandler,
    /// Answers HTTP requests, in Python.
    PythonHttp,
    /// Runs to completion with inputs and outputs, in Python.
    PythonJob,
    /// The same in JavaScript.
    JavascriptHandler,
    /// The same in JavaScript.
    JavascriptHttp,
    /// The same in JavaScript.
    JavascriptJob,
    /// The same in TypeScript.
    TypescriptHandler,
    /// The same in TypeScript.
    TypescriptHttp,
    /// The same in TypeScript.
    TypescriptJob,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NewArgs {
    /// The function's name, and the folder it is written to.
    pub(crate) name: String,
    /// What kind of function.
    #[arg(long, value_enum, default_value = "handler")]
    pub(crate) template: Template,
    /// Write into this folder instead.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) path: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SourceArgs {
    /// A folder with function.toml, or a .wasm file.
    #[arg(default_value = ".")]
    pub(crate) source: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DeployArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Deploy under this name instead of the manifest's.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Deploy the component that is there, without building it.
    #[arg(long)]
    pub(crate) no_build: bool,
    /// Verify and store the revision, but leave the active one as it is.
    #[arg(long)]
    pub(crate) no_activate: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Test the component that is there, without building it.
    #[arg(long)]
    pub(crate) no_build: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NameArgs {
    /// The function.
    pub(crate) name: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InvokeArgs {
    /// The function, or `name@revision`.
    pub(crate) name: String,
    /// The payload; `@file` reads a file, `-` standard input.
    #[arg(long, short, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// The media type of the payload.
    #[arg(long, default_value = "application/json", value_name = "TYPE")]
    pub(crate) content_type: String,
    /// The CloudEvents type of the event.
    #[arg(long = "type", default_value = "weft.invoke", value_name = "TYPE")]
    pub(crate) event_type: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LogsArgs {
    /// Only this function.
    pub(crate) name: Option<String>,
    /// Keep following.
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only this call.
    #[arg(long, value_name = "ID")]
    pub(crate) call: Option<String>,
    /// How many lines.
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: u32,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RollbackArgs {
    /// The function.
    pub(crate) name: String,
    /// This revision instead of the one before.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) to: Option<u64>,
}

/// How a run is begun.
#[derive(Debug, ClapArgs)]
pub(crate) struct Begin {
    /// A parameter, as name=value; the value is JSON, or else text.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// A label to search by, as name=value.
    #[arg(long = "label", short, value_name = "NAME=VALUE")]
    pub(crate) labels: Vec<String>,
    /// What all randomness derives from.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Run in this process, without a host; the record goes to the data folder.
    #[arg(long)]
    pub(crate) local: bool,
    /// The data folder of --local.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// Do not wait for the end.
    #[arg(long, conflicts_with = "local")]
    pub(crate) no_wait: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    /// A deployed function, or with --local also a folder or a .wasm file.
    pub(crate) function: String,
    /// An input, as name=FILE, name=URL, name=sha256:… or name=model:….
    #[arg(long = "input", short, value_name = "NAME=SOURCE")]
    pub(crate) inputs: Vec<String>,
    /// With --local, take the component that is there, without building it.
    #[arg(long, requires = "local")]
    pub(crate) no_build: bool,
    #[command(flatten)]
    pub(crate) begin: Begin,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PipelineCommand {
    /// Report every mistake in a pipeline file, without running it.
    Check(PipelineFileArgs),
    /// Run a pipeline and follow it.
    Submit(SubmitArgs),
    /// Draw a pipeline.
    Graph(GraphArgs),
    /// Keep a pipeline in the project, so that it can be run by name and its triggers start it.
    Deploy(PipelineDeployArgs),
    /// List the pipelines that are kept.
    List,
    /// Show a pipeline that is kept, and its text.
    Show(PipelineNameArgs),
    /// Take a pipeline out of force: nothing starts it any more.
    Delete(PipelineNameArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PipelineDeployArgs {
    /// The pipeline's YAML file.
    pub(crate) file: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PipelineNameArgs {
    /// The pipeline's name.
    pub(crate) name: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PipelineFileArgs {
    /// The pipeline's YAML file.
    pub(crate) file: PathBuf,
    /// Check only the file itself, without asking a host which functions there are.
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SubmitArgs {
    /// The pipeline's YAML file, or the name of one that is kept.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) begin: Begin,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum GraphFormat {
    /// For a terminal.
    Text,
    /// For Markdown.
    Mermaid,
    /// For Graphviz.
    Dot,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct GraphArgs {
    /// The pipeline's YAML file.
    pub(crate) file: PathBuf,
    /// How to draw it.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: GraphFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ArtifactsCommand {
    /// List artifacts, newest first.
    List(ArtifactsListArgs),
    /// Show what is known of an artifact.
    Show(DigestArgs),
    /// Write an artifact's bytes to a file, or to standard output.
    Get(ArtifactsGetArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ArtifactsListArgs {
    /// Only those of this run.
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
    /// Only this kind: dataset, model, plot, table, report or file.
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// How many.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DigestArgs {
    /// The artifact's digest, sha256:….
    pub(crate) digest: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ArtifactsGetArgs {
    /// The artifact's digest, sha256:….
    pub(crate) digest: String,
    /// The file to write; standard output when absent.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List models with their aliases.
    List,
    /// Show a model: versions, aliases and where they pointed.
    Show(ModelArgs),
    /// Point an alias to a version.
    Promote(PromoteArgs),
    /// Point an alias back to where it pointed before.
    Rollback(ModelAliasArgs),
    /// Serve a model over the Open Inference Protocol.
    Serve(ServeArgs),
    /// How often a model was asked on this host, and how long it took.
    Stats(ModelArgs),
    /// Topics and queues whose messages are models.
    #[command(subcommand)]
    Streams(StreamsCommand),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ModelArgs {
    /// The model.
    pub(crate) model: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PromoteArgs {
    /// The version, as model@number or model@alias.
    pub(crate) version: String,
    /// The alias to move.
    #[arg(long, default_value = "production")]
    pub(crate) alias: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ModelAliasArgs {
    /// The model.
    pub(crate) model: String,
    /// The alias to move back.
    #[arg(long, default_value = "production")]
    pub(crate) alias: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ServeArgs {
    /// The model, as name, name@alias or name@number.
    pub(crate) model: String,
    /// The name to serve it under; the model's, when absent.
    #[arg(long)]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show what is in force, and where each value came from.
    Show(UpArgs),
}
