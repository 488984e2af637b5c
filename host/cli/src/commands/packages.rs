//! Packages: search, doc, publish, pull, mirror, yank, deprecate, sign, verify.

mod consent;
mod doc;
mod granted;
mod mark;
mod mirror;
mod offer;
mod publish;
mod pull;
mod search;
mod sign;
mod trial;

use anyhow::Result;
use host_core::package::PackageName;

use crate::{
    args::PackagesCommand,
    client::Client,
    ui::{Exit, Printer, Stop},
};

/// Does what was asked of packages.
pub(super) async fn run(command: PackagesCommand, client: &Client, printer: &Printer) -> Result<()> {
    match command {
        PackagesCommand::Search(args) => search::run(&args, client, printer).await,
        PackagesCommand::Doc(args) => doc::run(&args, client, printer).await,
        PackagesCommand::Pull(args) => pull::run(&args, client, printer).await,
        PackagesCommand::Publish(args) => publish::run(&args, client, printer).await,
        PackagesCommand::Mirror(args) => mirror::run(&args, client, printer).await,
        PackagesCommand::Yank(args) => mark::yank(&args, client, printer).await,
        PackagesCommand::Deprecate(args) => mark::deprecate(&args, client, printer).await,
        PackagesCommand::Sign(args) => sign::sign(&args, client, printer).await,
        PackagesCommand::Verify(args) => sign::verify(&args, client, printer).await,
    }
}

/// A package as somebody asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    name: PackageName,
    /// A version, or a range of them.
    version: Option<String>,
}

impl Asked {
    fn parse(text: &str) -> Result<Self, Stop> {
        let (name, version) = match text.split_once('@') {
            Some((name, version)) => (name, Some(version.to_owned())),
            None => (text, None),
        };
        let wrong =
            |what: String| Stop::new(Exit::Usage, what).hint("write it like std/describe, or std/describe@1.2.0");
        let name = name.parse().map_err(|error: host_core::package::InvalidPackageName| wrong(error.to_string()))?;
        if let Some(text) = &version
            && text.parse::<semver::VersionReq>().is_err()
        {
            return Err(wrong(format!("`{text}` is neither a version nor a range of versions")));
        }
        Ok(Self { name, version })
    }

    /// The exact version, where one was written.
    fn exact(&self) -> Result<semver::Version, Stop> {
        let text = self.version.as_deref().unwrap_or_default();
        text.parse().map_err(|_| {
            Stop::new(Exit::Usage, format!("say which version of {} is meant", self.name))
                .hint(format!("write it like {}@1.2.0", self.name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_asked_for_with_or_without_a_version() {
        let asked = |text: &str| Asked::parse(text).map(|it| (it.name.to_string(), it.version)).map_err(drop);
        assert_eq!(asked("std/describe"), Ok(("std/describe".into(), None)));
        assert_eq!(asked("std/describe@^1"), Ok(("std/describe".into(), Some("^1".into()))));
        for wrong in ["describe", "std/describe@", "std/describe@newest", "../x/y", "std/../x"] {
            assert_eq!(asked(wrong), Err(()), "{wrong}");
        }
    }
}
