//! The workspace as cargo sees it: where it is, and which of its members are guests.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::command;

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    // The manifest of xtask lies one folder below it.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// What `cargo metadata` says about the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    packages: Vec<Package>,
    /// Where cargo builds.
    pub(crate) target_directory: PathBuf,
}

/// One member of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    manifest_path: PathBuf,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn load() -> Result<Self> {
        let json = command::output(&mut command::cargo(["metadata", "--no-deps", "--format-version", "1"]))?;
        serde_json::from_str(&json).context("could not read what cargo metadata prints")
    }

    /// The members that are compiled to WebAssembly.
    pub(crate) fn guests(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|it| it.is_guest())
    }
}

impl Package {
    /// Functions have a manifest of their own; the guests of the conformance suite are told by their place.
    fn is_guest(&self) -> bool {
        let folder = self.manifest_path.parent().unwrap_or(root());
        folder.join("function.toml").is_file() || folder.starts_with(root().join("sdk/conformance"))
    }
}
