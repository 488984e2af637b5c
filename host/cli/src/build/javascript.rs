//! JavaScript and TypeScript: one module of all, its types taken away, and jco, which puts an engine around it.

mod module;
mod sdk;
mod tool;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use host_core::manifest::Profile;

use crate::{
    project::Project,
    ui::{Exit, Printer, Stop},
};

/// Where the component is left, and what it was built from.
const BUILT: &str = "build";

/// The variable that names a folder of components by what they were built from: for machines that build the same often.
const CACHE: &str = "WEFT_BUILD_CACHE";

/// Builds the component in the project's folder, unless told not to or nothing has changed, and finds it.
pub(super) fn build(project: &Project, build: bool, printer: &Printer) -> anyhow::Result<PathBuf> {
    let file = project.folder.join(BUILT).join(format!("{}.wasm", project.manifest.name));
    if !build {
        return Ok(file);
    }
    let module = module::find(project)?;
    let jco = tool::find(project.home())?;
    let engine = if is_small(project) { "QuickJS" } else { "StarlingMonkey" };
    printer.say(&format!("building {} with jco {} and {engine}", project.manifest.name, jco.version));
    let work = tempfile::tempdir()?;
    sdk::write(work.path())?;
    componentize(project, &jco, work.path(), &module, &file)?;
    Ok(file)
}

fn is_small(project: &Project) -> bool {
    project.manifest.profile == Some(Profile::Small)
}

fn componentize(project: &Project, jco: &tool::Jco, work: &Path, module: &Path, file: &Path) -> Result<(), Stop> {
    let mut command = Command::new("node");
    command.arg(work.join("javascript/build/main.mjs"));
    let paths = [("--jco", jco.folder.as_path()), ("--wit", &work.join("wit")), ("--entry", module), ("--out", file)];
    for (option, path) in paths {
        command.arg(option).arg(path);
    }
    if is_small(project) {
        command.arg("--small");
    }
    if !project.manifest.grants.http.is_empty() {
        command.arg("--fetch");
    }
    if let Some(cache) = std::env::var_os(CACHE).filter(|it| !it.is_empty()) {
        command.arg("--cache").arg(cache);
    }
    let output = command.stdin(Stdio::null()).output().map_err(|error| tool::no_node(&error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(explained(&String::from_utf8_lossy(&output.stderr), project))
}

/// What the build said, in the words of whoever wrote the function.
fn explained(said: &str, project: &Project) -> Stop {
    let place = project.original().map_or(&project.folder, |it| &it.file);
    let mut lines = said.trim().lines();
    let first = lines.next().unwrap_or("the build said nothing").to_owned();
    let rest: Vec<&str> = lines.collect();
    let stop = Stop::new(Exit::Failed, first).at(place.display().to_string());
    if rest.is_empty() { stop } else { stop.hint(rest.join("\n")) }
}
