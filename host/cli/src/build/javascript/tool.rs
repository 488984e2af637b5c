//! jco: the project's own, the one beside the SDK, or the one on the path; and Node, which runs it.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::ui::{Exit, Stop};

/// The versions whose options this builder knows.
const WANTED: &str = "1.35.";

/// The package, below a folder of packages.
const PACKAGE: &str = "node_modules/@bytecodealliance/jco";

/// The variable that names a folder with `node_modules`, for machines that have jco in one place for all functions.
const VARIABLE: &str = "WEFT_JCO";

/// The package and its version.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Jco {
    pub(super) folder: PathBuf,
    pub(super) version: String,
}

#[derive(Deserialize)]
struct Package {
    version: String,
}

/// Finds it and sees that it is of a version that is known.
pub(super) fn find(project: &Path) -> Result<Jco, Stop> {
    let named = std::env::var_os(VARIABLE).filter(|it| !it.is_empty()).map(PathBuf::from);
    first(&places(project, named.as_deref()))
}

fn first(places: &[PathBuf]) -> Result<Jco, Stop> {
    let found = places.iter().find_map(|folder| Some((folder, version(folder)?)));
    let (folder, version) = found.ok_or_else(|| {
        Stop::new(Exit::Failed, "jco is not installed; it makes components of JavaScript")
            .at(format!("looked in node_modules of the project and the folders above it, ${VARIABLE} and on the path"))
            .hint("npm install, beside the package.json that `fn new --template javascript-handler` writes")
    })?;
    if !version.starts_with(WANTED) {
        return Err(Stop::new(Exit::Failed, format!("jco {version} is not a version that is known"))
            .at(folder.display().to_string())
            .hint(format!("npm install --save-dev --save-exact @bytecodealliance/jco@{WANTED}0")));
    }
    Ok(Jco { folder: folder.clone(), version })
}

/// What to say where Node does not start.
pub(super) fn no_node(error: &std::io::Error) -> Stop {
    Stop::new(Exit::Failed, format!("could not start node: {error}"))
        .hint("install Node.js 20 or newer, or name a built component in function.toml")
}

fn version(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join("package.json")).ok()?;
    Some(serde_json::from_str::<Package>(&text).ok()?.version)
}

/// Where it may be, the nearest first.
fn places(project: &Path, named: Option<&Path>) -> Vec<PathBuf> {
    let whole = std::fs::canonicalize(project).unwrap_or_else(|_| project.to_owned());
    let own = whole.ancestors().map(|it| it.join(PACKAGE));
    let beside = [named.map(Path::to_owned), Some(beside_the_sdk())].into_iter().flatten().map(|it| it.join(PACKAGE));
    own.chain(beside).chain(on_path()).collect()
}

fn beside_the_sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/javascript")
}

/// The package whose program is on the path: a link to `dist/jco.js` in it.
fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let program = std::env::split_paths(&path).map(|it| it.join("jco")).find(|it| it.is_file())?;
    Some(std::fs::canonicalize(program).ok()?.parent()?.parent()?.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn install(folder: &Path, version: &str) {
        fs::create_dir_all(folder.join(PACKAGE)).unwrap();
        fs::write(folder.join(PACKAGE).join("package.json"), format!("{{\"version\": \"{version}\"}}")).unwrap();
    }

    #[test]
    fn the_projects_own_comes_before_that_of_a_folder_above_and_the_named_one() {
        let above = tempfile::tempdir().unwrap();
        let project = above.path().join("functions/hook");
        let named = above.path().join("elsewhere");
        fs::create_dir_all(&project).unwrap();
        let found = || first(&places(&project, Some(&named))).map(|it| it.version);
        install(&named, "1.35.3");
        assert_eq!(found().unwrap(), "1.35.3");
        install(above.path(), "1.35.2");
        assert_eq!(found().unwrap(), "1.35.2");
        install(&project, "1.35.1");
        assert_eq!(found().unwrap(), "1.35.1");
    }

    #[test]
    fn another_version_is_told_with_the_command_that_brings_the_known_one() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), "1.24.0");
        let stop = first(&[folder.path().join(PACKAGE)]).unwrap_err();
        assert!(stop.to_string().contains("1.24.0"), "{stop}");
        assert!(stop.parts().1.unwrap().contains("@bytecodealliance/jco@1.35.0"));
        assert!(first(&[]).unwrap_err().parts().1.unwrap().contains("npm install"));
    }
}
