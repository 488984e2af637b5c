//! The options of `fn secrets`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Set a secret. The value is read from standard input, or asked for; it is never an argument.
    Set(SecretsSetArgs),
    /// List secrets: names and versions, never values.
    List,
    /// Give a secret that is there another value. The next call sees it; nothing has to be deployed.
    Rotate(SecretsSetArgs),
    /// Forget a secret.
    Delete(SecretsDeleteArgs),
    /// Make a new key, and seal every secret again with it.
    Rekey,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SecretsSetArgs {
    /// The secret's name.
    pub(crate) name: String,
    /// Take the value from a file, byte for byte.
    #[arg(long, value_name = "FILE")]
    pub(crate) from_file: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SecretsDeleteArgs {
    /// The secret's name.
    pub(crate) name: String,
}
