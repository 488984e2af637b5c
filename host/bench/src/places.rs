//! Where the programs and guests lie that are measured: beside this one, in cargo's target folder.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::talk::Hinted;

/// The target folder, as seen from this program.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    program: PathBuf,
}

impl Places {
    /// Those of the running program.
    pub(crate) fn here() -> Result<Self> {
        Ok(Self { program: env::current_exe().context("could not find out where this program is")? })
    }

    /// This program, to be started again as the baseline or the load.
    pub(crate) fn ourselves(&self) -> Command {
        Command::new(&self.program)
    }

    /// `fn`, of the same build.
    pub(crate) fn host(&self) -> Result<PathBuf> {
        let hint = if cfg!(debug_assertions) {
            "cargo build --package host-cli"
        } else {
            "cargo build --profile dist --package host-cli"
        };
        there(self.program.with_file_name("fn"), hint)
    }

    /// A file of the target folder, there or not.
    pub(crate) fn built(&self, path: &str) -> PathBuf {
        self.program.parent().and_then(Path::parent).unwrap_or(Path::new("target")).join(path)
    }

    /// A guest by the name of its file, such as `conformance_http`.
    pub(crate) fn guest(&self, name: &str) -> Result<PathBuf> {
        there(self.built("wasm32-wasip2/guest").join(name).with_extension("wasm"), "cargo xtask guests")
    }
}

fn there(file: PathBuf, hint: &'static str) -> Result<PathBuf> {
    if file.is_file() {
        return Ok(file);
    }
    Err(Hinted::new(format!("{} does not exist", file.display()), hint).into())
}
