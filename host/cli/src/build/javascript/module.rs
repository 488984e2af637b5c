//! The module a function begins with: what `main` in package.json names, or the first of the usual places; or the file that
//! is the whole function, where it lies, so that messages name it.

use std::path::{Path, PathBuf};

use host_core::manifest::Language;
use serde::Deserialize;

use crate::{
    project::Project,
    ui::{Exit, Stop},
};

/// What of package.json matters here.
#[derive(Deserialize)]
struct Package {
    main: Option<String>,
}

/// Finds the module.
pub(super) fn find(project: &Project) -> Result<PathBuf, Stop> {
    if let Some(original) = project.original() {
        return absolute(&original.file);
    }
    let usual = usual(project);
    let file = named(project)?.or_else(|| usual.iter().find(|it| it.is_file()).cloned());
    let file = file.ok_or_else(|| {
        let first = usual.first().cloned().unwrap_or_default();
        Stop::new(Exit::Usage, "there is no module to build")
            .at(project.folder.display().to_string())
            .hint(format!("write {}, or name the module as `main` in package.json", first.display()))
    })?;
    absolute(&file)
}

/// As it is looked at from another folder.
fn absolute(file: &Path) -> Result<PathBuf, Stop> {
    std::fs::canonicalize(file).map_err(|error| {
        Stop::new(Exit::Usage, format!("could not read {}: {error}", file.display()))
            .hint("`main` in package.json names the module that exports the function")
    })
}

fn named(project: &Project) -> Result<Option<PathBuf>, Stop> {
    let file = project.folder.join("package.json");
    let Ok(text) = std::fs::read_to_string(&file) else { return Ok(None) };
    let package: Package = serde_json::from_str(&text).map_err(|error| {
        Stop::new(Exit::Usage, format!("package.json cannot be read: {error}")).at(file.display().to_string())
    })?;
    Ok(package.main.map(|it| project.folder.join(it)))
}

fn usual(project: &Project) -> Vec<PathBuf> {
    let endings: &[&str] = match project.manifest.language {
        Some(Language::TypeScript) => &["ts", "mts"],
        _ => &["js", "mjs"],
    };
    let places = ["src/index", "src/main", "index", "main"];
    let names = places.iter().flat_map(|place| endings.iter().map(move |it| format!("{place}.{it}")));
    names.map(|it| project.folder.join(it)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn project(language: &str) -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("function.toml"), format!("name = \"x\"\nlanguage = \"{language}\"\n")).unwrap();
        let project = Project::open(folder.path()).unwrap();
        (folder, project)
    }

    #[test]
    fn package_json_comes_before_the_usual_places() {
        let (folder, project) = project("javascript");
        assert!(find(&project).unwrap_err().parts().1.unwrap().contains("src/index.js"));
        fs::write(folder.path().join("index.js"), "").unwrap();
        assert!(find(&project).unwrap().ends_with("index.js"));
        fs::write(folder.path().join("hook.js"), "").unwrap();
        fs::write(folder.path().join("package.json"), "{\"main\": \"hook.js\"}").unwrap();
        assert!(find(&project).unwrap().ends_with("hook.js"));
        fs::write(folder.path().join("package.json"), "{\"main\": \"gone.js\"}").unwrap();
        assert!(find(&project).is_err());
    }

    #[test]
    fn typescript_is_looked_for_in_its_own_files() {
        let (folder, project) = project("typescript");
        fs::write(folder.path().join("index.js"), "").unwrap();
        assert!(find(&project).is_err());
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/index.ts"), "").unwrap();
        assert!(find(&project).unwrap().ends_with("src/index.ts"));
    }
}
