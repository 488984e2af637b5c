//! Python: componentize-py, which puts CPython, the program and its packages into one component.

mod fresh;
mod messages;
mod packages;
mod scan;
mod sdk;
mod tool;
mod world;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    project::Project,
    ui::{Exit, Printer, Stop},
};

/// The module that a function begins with.
const MAIN: &str = "main.py";

/// The folder of a project's packages, as `pip install --target` fills it.
const PACKAGES: &str = "deps";

/// Where the component is left, and how it was made.
const BUILT: &str = "build";

/// The module that componentize-py is given: it takes the program in and offers its entries.
const APP: &str = "weft_app";

/// Builds the component in the project's folder, unless told not to or nothing has changed, and finds it.
pub(super) fn build(project: &Project, build: bool, printer: &Printer) -> anyhow::Result<PathBuf> {
    let file = project.folder.join(BUILT).join(format!("{}.wasm", project.manifest.name));
    if !build {
        return Ok(file);
    }
    let main = project.folder.join(MAIN);
    let text = std::fs::read_to_string(&main).map_err(|error| {
        Stop::new(Exit::Usage, format!("could not read {}: {error}", main.display())).hint(format!(
            "a function in Python begins with {MAIN}; `fn new NAME --template python-handler` writes one"
        ))
    })?;
    let entries = scan::entries(&text);
    if entries.is_empty() {
        return Err(nothing_offered(project).into());
    }
    packages::check(&project.folder)?;
    let tool = tool::find(&project.folder)?;
    let world = world::text(&entries, &project.manifest);
    let made_of = fresh::digest(&project.folder, &[&world, &tool.version])?;
    if fresh::is_made_of(&file, &made_of) || fresh::fetched(&file, &made_of) {
        return Ok(file);
    }
    printer.say(&format!("building {} for Python with componentize-py {}", project.manifest.name, tool.version));
    let work = tempfile::tempdir()?;
    sdk::write(work.path())?;
    write(&work.path().join("wit").join("built.wit"), &world)?;
    write(&work.path().join(format!("{APP}.py")), &world::app(&entries))?;
    componentize(project, &tool, work.path(), &file)?;
    fresh::note(&file, &made_of)?;
    fresh::keep(&file, &made_of);
    Ok(file)
}

fn nothing_offered(project: &Project) -> Stop {
    Stop::new(Exit::Usage, "no function is offered: none at the outermost level is marked with @handler, @http or @job")
        .at(project.original().map_or_else(|| project.folder.join(MAIN), |it| it.file.clone()).display().to_string())
        .hint("from weft_function import Event, handler")
}

fn componentize(project: &Project, tool: &tool::Tool, work: &Path, file: &Path) -> anyhow::Result<()> {
    let folder = std::fs::canonicalize(&project.folder)?;
    std::fs::create_dir_all(folder.join(BUILT))?;
    let unfinished = work.join("function.wasm");
    let mut command = Command::new(&tool.program);
    command.arg("--quiet").arg("--wit-path").arg(work.join("wit")).args(["--world", world::NAME]);
    for name in world::MODULES {
        command.args(["--import-interface-name", name]);
    }
    command.arg("componentize").args(["--python-path".as_ref(), folder.as_os_str()]);
    let packages = folder.join(PACKAGES);
    if packages.is_dir() {
        command.args(["--python-path".as_ref(), packages.as_os_str()]);
    }
    command.args(["--python-path".as_ref(), work.as_os_str()]).arg(APP).arg("--output").arg(&unfinished);
    // Only what the project names: not what happens to be installed on the machine that builds.
    command.env("VIRTUAL_ENV", work.join("nothing")).env("PYTHONDONTWRITEBYTECODE", "1").env_remove("RUST_BACKTRACE");
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Stop::new(Exit::Failed, format!("could not start {}: {error}", tool.program.display())))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        return Err(messages::explained(&said, project).into());
    }
    // Whole or not at all, however the copying ends.
    let beside = file.with_extension("part");
    std::fs::copy(&unfinished, &beside)
        .and_then(|_| std::fs::rename(&beside, file))
        .map_err(|error| Stop::new(Exit::Failed, format!("could not write {}: {error}", file.display())).into())
}

fn write(file: &Path, text: &str) -> Result<(), Stop> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(file, text))
        .map_err(|error| Stop::new(Exit::Failed, format!("could not write {}: {error}", file.display())))
}
