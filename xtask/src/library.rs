//! `cargo xtask library`: the functions of the standard library as signed packages, which a fresh `fn up` offers as `std`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use crate::{
    command::{self, cargo},
    guests::{self, TARGET},
    talk, workspace,
    workspace::Workspace,
};

/// The namespace of the library.
const NAMESPACE: &str = "std";
/// What the packages of an earlier build were made of.
const MADE_OF: &str = "made-of";

/// How it is made.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Take the guests and the `fn` that are built already
    #[arg(long)]
    no_build: bool,
}

/// Builds guests and `fn`, and packs what is not packed yet.
pub(crate) fn run(args: &Args) -> Result<()> {
    if !args.no_build {
        guests::build()?;
        command::run(&mut cargo(["build", "--package", "host-cli", "--bin", "fn"]))?;
    }
    pack()
}

/// Packs every function of the library whose guest is built, with the `fn` that is built.
pub(crate) fn pack() -> Result<()> {
    let workspace = Workspace::load()?;
    let target = workspace.target_directory;
    let (library, key, program) = (target.join("library"), target.join("library.key"), target.join("debug/fn"));
    let functions = functions()?;
    let now = made_of(&functions, &target)?;
    if fs::read_to_string(library.join(MADE_OF)).is_ok_and(|before| before == now) {
        talk::say(format_args!("{} packages are in {} already", functions.len(), library.display()));
        return Ok(());
    }
    // A version never changes once it is published; what is in this folder was published to nobody.
    match fs::remove_dir_all(&library) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).context("old library"),
        _ => fs::create_dir_all(&library)?,
    }
    if !key.is_file() {
        command::run(Command::new(&program).args(["key", "new", "--quiet", "--file"]).arg(&key))?;
    }
    fs::copy(key.with_extension("pub"), library.join("key.pub")).context("could not copy the key")?;
    for function in &functions {
        let mut publish = Command::new(&program);
        publish.arg("publish").arg(&function.folder).arg("--component").arg(function.guest(&target));
        publish.arg("--to").arg(&library).args(["--namespace", NAMESPACE, "--quiet", "--key"]).arg(&key);
        publish.current_dir(workspace::root()).stdin(Stdio::null());
        command::run(&mut publish)?;
    }
    fs::write(library.join(MADE_OF), now)?;
    talk::say(format_args!("{} packages are in {}", functions.len(), library.display()));
    Ok(())
}

/// A function of the library: one that says in which categories it is to be found.
struct Function {
    name: String,
    folder: PathBuf,
}

impl Function {
    fn guest(&self, target: &Path) -> PathBuf {
        let folder = target.join(TARGET).join("guest");
        let library = folder.join(format!("{}.wasm", self.name.replace('-', "_")));
        let program = folder.join(format!("{}.wasm", self.name));
        let is_library = self.folder.join("src/lib.rs").is_file() && !self.folder.join("src/main.rs").is_file();
        if is_library { library } else { program }
    }
}

fn functions() -> Result<Vec<Function>> {
    let mut functions = Vec::new();
    for entry in fs::read_dir(workspace::root().join("functions"))? {
        let folder = entry?.path();
        let Ok(manifest) = fs::read_to_string(folder.join("function.toml")) else { continue };
        if manifest.lines().any(|line| line.starts_with("categories")) {
            let name = folder.file_name().and_then(|it| it.to_str()).context("a folder without a name")?;
            functions.push(Function { name: name.to_owned(), folder });
        }
    }
    functions.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(functions)
}

/// Every file that goes into the library, with its size and when it last changed.
fn made_of(functions: &[Function], target: &Path) -> Result<String> {
    let mut lines = Vec::new();
    for function in functions {
        let own = ["function.toml", "README.md"].map(|it| function.folder.join(it));
        let cases = fs::read_dir(function.folder.join("cases")).into_iter().flatten().flatten().map(|it| it.path());
        for file in own.into_iter().chain(cases).chain([function.guest(target)]) {
            let state = file.metadata().with_context(|| format!("could not find {}", file.display()))?;
            let changed = state.modified()?.duration_since(std::time::UNIX_EPOCH)?.as_nanos();
            lines.push(format!("{} {} {changed}\n", file.display(), state.len()));
        }
    }
    lines.sort();
    Ok(lines.concat())
}
