//! The options of commands about packages, keys and trust.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

/// What is done with packages.
#[derive(Debug, Subcommand)]
pub(crate) enum PackagesCommand {
    /// Find packages on every source.
    Search(SearchArgs),
    /// Explain a package, a folder or a deployed function.
    Doc(DocArgs),
    /// Take a package into service, or into a folder.
    Pull(PullArgs),
    /// Offer a function to others.
    Publish(PublishArgs),
    /// Copy packages into a folder, for sites without network.
    Mirror(MirrorArgs),
    /// Take a published version back.
    Yank(YankArgs),
    /// Say what to use in a package's place.
    Deprecate(DeprecateArgs),
    /// Sign a published version.
    Sign(SignArgs),
    /// Say who signed a version, and whether it is whole.
    Verify(VerifyArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SearchArgs {
    /// Words that each must be found, in the name, a category or the description.
    pub(crate) words: Vec<String>,
    /// Only what is in this category.
    #[arg(long)]
    pub(crate) category: Option<String>,
    /// Only here: a source by its name or address, or a folder.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) from: Option<String>,
    /// How many at most, of each source.
    #[arg(long, default_value_t = 30)]
    pub(crate) limit: u32,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DocArgs {
    /// A package (namespace/name or namespace/name@version), a folder with function.toml, or a deployed function.
    pub(crate) name: String,
    /// Where the package is: a source by its name or address, or a folder.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) from: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PublishArgs {
    /// A folder with function.toml.
    #[arg(default_value = ".")]
    pub(crate) source: PathBuf,
    /// Where to: a source by its name or address, or a folder; the host you talk to, when absent.
    #[arg(long, value_name = "SOURCE", default_value = "host")]
    pub(crate) to: String,
    /// The namespace; that of the source, when absent.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Sign with this key, by name or file; with the key `default`, where there is one, when absent.
    #[arg(long, value_name = "KEY", conflicts_with = "no_sign")]
    pub(crate) key: Option<String>,
    /// Do not sign.
    #[arg(long)]
    pub(crate) no_sign: bool,
    /// Publish the component that is there, without building it.
    #[arg(long)]
    pub(crate) no_build: bool,
    /// Publish this component, built somewhere else.
    #[arg(long, value_name = "FILE")]
    pub(crate) component: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PullArgs {
    /// The package: namespace/name, namespace/name@1.2.0 or namespace/name@^1.
    pub(crate) name: String,
    /// Deploy it under this name instead of its own.
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) rename: Option<String>,
    /// Where from: a source by its name or address, or a folder.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) from: Option<String>,
    /// Copy it into this folder, a mirror for sites without network, instead of deploying it.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["rename", "policy"])]
    pub(crate) to: Option<PathBuf>,
    /// Take what it asks for without asking.
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Take what this file allows without asking, and refuse what it does not.
    #[arg(long, value_name = "FILE", conflicts_with = "yes")]
    pub(crate) policy: Option<PathBuf>,
    /// Give it this right instead of the one it asks for by the same word: a line as under `[grants]`.
    #[arg(long = "grant", value_name = "LINE", conflicts_with = "to")]
    pub(crate) grants: Vec<String>,
    /// Take a lower version than the one in force.
    #[arg(long)]
    pub(crate) allow_downgrade: bool,
    /// Take the place of a function that is not from this package.
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct MirrorArgs {
    /// The packages: namespace/name, with @version for that one alone. Every one of the source, when absent.
    pub(crate) names: Vec<String>,
    /// The folder, an OCI image layout.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: PathBuf,
    /// Where from: a source by its name or address, or a folder; the host you talk to, when absent.
    #[arg(long, value_name = "SOURCE", default_value = "host")]
    pub(crate) from: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct YankArgs {
    /// The version: namespace/name@1.2.0.
    pub(crate) name: String,
    /// Why nobody should begin to use it.
    #[arg(long, required_unless_present = "undo")]
    pub(crate) reason: Option<String>,
    /// Offer it again.
    #[arg(long, conflicts_with = "reason")]
    pub(crate) undo: bool,
    /// Where it is: a source by its name or address, or a folder; the host you talk to, when absent.
    #[arg(long, value_name = "SOURCE", default_value = "host")]
    pub(crate) from: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DeprecateArgs {
    /// The package: namespace/name.
    pub(crate) name: String,
    /// What to use in its place.
    #[arg(long, required_unless_present = "undo")]
    pub(crate) message: Option<String>,
    /// Say that it may be used again.
    #[arg(long, conflicts_with = "message")]
    pub(crate) undo: bool,
    /// Where it is: a source by its name or address, or a folder; the host you talk to, when absent.
    #[arg(long, value_name = "SOURCE", default_value = "host")]
    pub(crate) from: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SignArgs {
    /// The version: namespace/name@1.2.0.
    pub(crate) name: String,
    /// The key, by name or file.
    #[arg(long, value_name = "KEY", default_value = "default")]
    pub(crate) key: String,
    /// Where it is: a source by its name or address, or a folder; the host you talk to, when absent.
    #[arg(long, value_name = "SOURCE", default_value = "host")]
    pub(crate) from: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct VerifyArgs {
    /// The package: namespace/name, or namespace/name@version.
    pub(crate) name: String,
    /// Hold it against this public key instead of the project's trust: a file, or the key as `fn key show` prints it.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Where it is: a source by its name or address, or a folder.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) from: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key to sign packages with.
    New(KeyNewArgs),
    /// List your keys.
    List,
    /// Show the public half of a key, for those who are to trust it.
    Show(KeyNameArgs),
    /// Destroy the secret half of a key, and say how others take it for worthless.
    Revoke(KeyNameArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct KeyNewArgs {
    /// Its name among yours.
    #[arg(default_value = "default")]
    pub(crate) name: String,
    /// Write it here instead: FILE, and FILE.pub beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct KeyNameArgs {
    /// Its name among yours.
    #[arg(default_value = "default")]
    pub(crate) name: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SignaturesArg {
    /// Take packages whoever signed them.
    Off,
    /// Take packages that nobody trusted signed, and say so.
    Warn,
    /// Refuse packages that nobody trusted signed.
    Require,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Show what the project demands of packages, and the keys it knows.
    Show,
    /// Say what the project makes of packages that nobody it trusts has signed.
    Set(TrustSetArgs),
    /// Trust a key for the packages of a namespace.
    Add(TrustAddArgs),
    /// Take a key for worthless, in every namespace and for good.
    Revoke(TrustRevokeArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TrustSetArgs {
    /// What it makes of them.
    #[arg(value_enum)]
    pub(crate) signatures: SignaturesArg,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TrustAddArgs {
    /// The namespace.
    pub(crate) namespace: String,
    /// The public key: a file, or the key as `fn key show` prints it.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: String,
    /// Let packages it signed keep warm instances.
    #[arg(long)]
    pub(crate) warm: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TrustRevokeArgs {
    /// The key's id, sha256:….
    pub(crate) key: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SourcesCommand {
    /// Remember where packages are.
    Add(SourcesAddArgs),
    /// List where packages are looked for.
    List,
    /// Forget a source.
    Remove(SourcesRemoveArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SourcesAddArgs {
    /// What to call it.
    pub(crate) name: String,
    /// A registry (https://host/prefix), a folder, or a static mirror (mirror+https://host/path).
    pub(crate) address: String,
    /// The namespace to publish in there.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Who asks; the password is read from standard input or asked for.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Show a token, read from standard input or asked for.
    #[arg(long, conflicts_with = "user")]
    pub(crate) token: bool,
    /// Talk plain HTTP to another machine.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// A PEM file with a certificate to trust beside those of the machine.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SourcesRemoveArgs {
    /// Its name.
    pub(crate) name: String,
}
