//! The part of the command line that is about the registry of packages.

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::UpArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum MarketplaceCommand {
    /// Run a registry of packages and nothing else, on one port.
    Serve(UpArgs),
}

/// What somebody may do in a namespace.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OwnerRole {
    /// Publish versions.
    Publisher,
    /// And say who else may, yank, deprecate and delete.
    Owner,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NamespacesCommand {
    /// List namespaces.
    List(NamespacesListArgs),
    /// Show a namespace and who may publish in it.
    Show(NamespacesArgs),
    /// Make a namespace that is nobody's your own.
    Claim(NamespacesArgs),
    /// Let somebody publish in a namespace.
    Add(NamespacesAddArgs),
    /// Let somebody publish in a namespace no more.
    Remove(NamespacesRemoveArgs),
    /// Say that it is known who is behind a namespace; for admins.
    Verify(NamespacesVerifyArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NamespacesListArgs {
    /// How many.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
    /// Begin after this one, the `next` of the page before.
    #[arg(long)]
    pub(crate) after: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NamespacesArgs {
    /// The namespace.
    pub(crate) namespace: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NamespacesAddArgs {
    /// The namespace.
    pub(crate) namespace: String,
    /// The name of their token; `name@project` where it is for one project.
    pub(crate) owner: String,
    /// What they may do.
    #[arg(long, value_enum, default_value = "publisher")]
    pub(crate) role: OwnerRole,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NamespacesRemoveArgs {
    /// The namespace.
    pub(crate) namespace: String,
    /// The name of their token; `name@project` where it is for one project.
    pub(crate) owner: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NamespacesVerifyArgs {
    /// The namespace.
    pub(crate) namespace: String,
    /// Say that it is not known any more.
    #[arg(long)]
    pub(crate) undo: bool,
}
