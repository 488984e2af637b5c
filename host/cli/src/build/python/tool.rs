//! componentize-py: the project's own, that of the environment in use, or the one on the path.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::ui::{Exit, Stop};

/// The versions whose options and bindings this builder knows.
const WANTED: &str = "0.25";

const NAME: &str = if cfg!(windows) { "componentize-py.exe" } else { "componentize-py" };

/// The builder and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tool {
    pub(super) program: PathBuf,
    pub(super) version: String,
}

/// Finds it and sees that it is of a version that is known.
pub(super) fn find(folder: &Path) -> Result<Tool, Stop> {
    let program = places(folder).into_iter().map(|it| it.join(NAME)).find(|it| it.is_file()).ok_or_else(|| {
        Stop::new(Exit::Failed, "componentize-py is not installed; it makes components of Python")
            .at("looked in .venv/bin, $VIRTUAL_ENV/bin and on the path")
            .hint(install())
    })?;
    let output = Command::new(&program)
        .arg("--version")
        .output()
        .map_err(|error| Stop::new(Exit::Failed, format!("could not start {}: {error}", program.display())))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.split_whitespace().last().unwrap_or_default().to_owned();
    if !is_wanted(&version) {
        return Err(Stop::new(Exit::Failed, format!("componentize-py {version} is not a version that is known"))
            .at(program.display().to_string())
            .hint(install()));
    }
    Ok(Tool { program, version })
}

fn install() -> String {
    format!("python3 -m venv .venv && .venv/bin/pip install 'componentize-py=={WANTED}.*'")
}

fn is_wanted(version: &str) -> bool {
    version.strip_prefix(WANTED).is_some_and(|rest| rest.starts_with('.'))
}

/// Where it may be, the nearest first.
fn places(folder: &Path) -> Vec<PathBuf> {
    let programs = if cfg!(windows) { "Scripts" } else { "bin" };
    let environment = std::env::var_os("VIRTUAL_ENV").filter(|it| !it.is_empty());
    let path = std::env::var_os("PATH").unwrap_or_default();
    // As it is called from another folder: a relative path would lead elsewhere.
    let own = std::path::absolute(folder.join(".venv").join(programs)).ok();
    own.into_iter()
        .chain(environment.map(|it| PathBuf::from(it).join(programs)))
        .chain(std::env::split_paths(&path).filter(|it| it.is_absolute()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_of_the_known_line_are_taken() {
        assert!(is_wanted("0.25.1"));
        assert!(!is_wanted("0.251.0"));
        assert!(!is_wanted("0.26.0"));
        assert!(!is_wanted(""));
    }

    #[test]
    fn the_projects_own_environment_comes_first() {
        let first = places(Path::new("/project")).remove(0);
        assert!(first.starts_with("/project/.venv"), "{}", first.display());
    }
}
