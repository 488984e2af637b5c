//! The part of the command line that is about who asks, and which host.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

/// What the bearers of a token may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Role {
    /// Reads.
    Viewer,
    /// Deploys and calls functions, asks models, runs pipelines, uploads, registers models.
    Developer,
    /// Promotes, rolls back, serves, deletes, keeps secrets.
    Operator,
    /// Everything: tokens, projects, configuration, backups.
    Admin,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// Make a token; it is shown once.
    Create(TokensCreateArgs),
    /// List tokens, without their secrets.
    List(TokensListArgs),
    /// Make a token useless, at once.
    Revoke(TokensRevokeArgs),
}

/// Where tokens are kept.
#[derive(Debug, ClapArgs)]
pub(crate) struct Keeper {
    /// Work on the data folder or the database without a running host.
    #[arg(long)]
    pub(crate) local: bool,
    /// The data folder of --local.
    #[arg(long, value_name = "FOLDER", requires = "local")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TokensCreateArgs {
    /// Its name, which is who did what its bearers do.
    pub(crate) name: String,
    /// What its bearers may do.
    #[arg(long, value_enum)]
    pub(crate) role: Role,
    /// How long it is of use, such as 30d; for ever, when absent.
    #[arg(long, value_name = "DURATION")]
    pub(crate) expires: Option<String>,
    /// The one project it is for; every project, when absent.
    #[arg(long = "for", value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    #[command(flatten)]
    pub(crate) keeper: Keeper,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TokensListArgs {
    /// How many.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
    /// Begin after this one, the `next` of the page before.
    #[arg(long)]
    pub(crate) after: Option<String>,
    #[command(flatten)]
    pub(crate) keeper: Keeper,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TokensRevokeArgs {
    /// The token's name or id.
    pub(crate) token: String,
    #[command(flatten)]
    pub(crate) keeper: Keeper,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LoginArgs {
    /// The host, such as `https://weft.example.com`; the one in use, when absent.
    pub(crate) url: Option<String>,
    /// What to call the context; named after the host, when absent.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// A PEM file with the certificate of whoever signed the host's, where this machine does not know it.
    #[arg(long, env = "WEFT_CA", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ContextCommand {
    /// List the hosts you are logged in to.
    List,
    /// Talk to another of them from now on.
    Use(ContextArgs),
    /// Forget one, with its token; the token stays of use until it is revoked.
    Delete(ContextArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ContextArgs {
    /// The context.
    pub(crate) name: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List changes, newest first: who, what, from where.
    List(AuditListArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AuditListArgs {
    /// Only those of this subject, such as a function's name.
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// Those of every project, and of the host itself.
    #[arg(long)]
    pub(crate) all: bool,
    /// How many.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
    /// Begin after this one, the `next` of the page before.
    #[arg(long)]
    pub(crate) after: Option<String>,
}
