//! Python programs that tests call: a virtual environment below target/, filled from a file of pinned versions.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{
    command,
    prepare::Install,
    talk::Hinted,
    workspace::{self, Workspace},
};

/// What is in the environment, as it was installed last.
const STAMP: &str = "weft-requirements.txt";

/// Whether this machine's Python can make environments.
pub(crate) fn is_there() -> bool {
    command::succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]))
}

/// The folder of programs of an environment that holds what `requirements`, seen from the root, asks for.
pub(crate) fn environment(name: &str, requirements: &str, install: Install) -> Result<PathBuf> {
    let folder = Workspace::load()?.target_directory.join("python").join(name);
    let wanted = fs::read_to_string(workspace::root().join(requirements))
        .with_context(|| format!("could not read {requirements}"))?;
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|it| it == wanted) {
        return Ok(folder.join("bin"));
    }
    if install == Install::Forbidden {
        let by_hand = format!(
            "python3 -m venv {0} && {0}/bin/pip install -r {requirements} && cp {requirements} {0}/{STAMP}",
            folder.display()
        );
        return Err(Hinted::new(format!("what {requirements} asks for is not installed"), by_hand).into());
    }
    fill(&folder, requirements)?;
    // Last, so that an installation that broke off is done again.
    fs::write(folder.join(STAMP), wanted).context("could not note what is installed")?;
    Ok(folder.join("bin"))
}

fn fill(folder: &Path, requirements: &str) -> Result<()> {
    command::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement", requirements]);
    command::run(pip.current_dir(workspace::root()))
}
