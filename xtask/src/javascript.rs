//! jco, which makes components of JavaScript: npm's packages below target/, and the guests that tests find there.
//!
//! Where the machine has no Node.js of the right age, one is installed below target/ like the Python programs, because
//! it comes as a Python wheel too.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{
    command,
    prepare::Install,
    python,
    talk::Hinted,
    workspace::{self, Workspace},
};

/// The variable in which tests find the guests of other toolchains than Rust's.
pub(crate) const GUESTS: &str = "WEFT_TEST_GUESTS";

/// Where `fn build` finds jco.
const JCO: &str = "WEFT_JCO";

/// The oldest Node.js that jco runs on.
const OLDEST: u32 = 20;

/// The package whose lock says what is installed, seen from the root.
const PACKAGE: &str = "sdk/javascript";

/// What of the package npm needs.
const FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// What is installed, as it was installed last.
const STAMP: &str = "weft-package-lock.json";

/// The guests: the module of each, below the package, and whether it is a small function.
const MODULES: [(&str, &str, bool); 2] =
    [("javascript", "suite/src/index.ts", false), ("javascript-small", "suite/src/small.ts", true)];

/// What the Node.js of our own is installed from.
const REQUIREMENTS: &str = "deploy/dev/node.txt";

/// Whether this machine can build JavaScript as it is.
pub(crate) fn is_there() -> bool {
    node().is_some_and(|major| major >= OLDEST) && command::succeeds(Command::new("npm").arg("--version"))
}

/// Where programs are looked for, where the machine's own Node.js will not do: ours comes first.
fn path(install: Install) -> Result<Option<OsString>> {
    if is_there() {
        return Ok(None);
    }
    let ours = python::environment("node", REQUIREMENTS, install)?;
    let others = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(ours).chain(std::env::split_paths(&others));
    Ok(Some(std::env::join_paths(all).context("a folder of PATH has a name with a separator in it")?))
}

/// A program of Node.js.
fn program(name: &str) -> Result<Command> {
    let mut command = Command::new(name);
    if let Some(path) = path(Install::Forbidden)? {
        command.env("PATH", path);
    }
    Ok(command)
}

/// The major version of Node.js.
fn node() -> Option<u32> {
    let output = command::output(Command::new("node").arg("--version")).ok()?;
    output.trim().trim_start_matches('v').split('.').next()?.parse().ok()
}

/// Brings what guests are built with.
pub(crate) fn install(install: Install) -> Result<()> {
    path(install)?;
    let folder = environment()?;
    let wanted = fs::read_to_string(workspace::root().join(PACKAGE).join("package-lock.json"))
        .context("could not read the lock of sdk/javascript")?;
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|it| it == wanted) {
        return Ok(());
    }
    if install == Install::Forbidden {
        let by_hand = format!("cargo xtask guests, which runs npm install in {}", folder.display());
        return Err(Hinted::new("the npm packages of sdk/javascript are not installed", by_hand).into());
    }
    fill(&folder)?;
    // Last, so that an installation that broke off is done again.
    fs::write(folder.join(STAMP), wanted).context("could not note what is installed")
}

fn fill(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    for file in FILES {
        fs::copy(workspace::root().join(PACKAGE).join(file), folder.join(file))
            .with_context(|| format!("could not copy {PACKAGE}/{file}"))?;
    }
    // As the lock says. `npm ci` would also want the packages for every other system, which not every registry has.
    let install = ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
    command::run(program("npm")?.args(install).current_dir(folder))
}

/// Builds the guests that are not there as they would be built now.
pub(crate) fn build() -> Result<()> {
    install(Install::Allowed)?;
    for (name, module, is_small) in MODULES {
        command::run(&mut builder(name, module, is_small)?)?;
    }
    Ok(())
}

fn builder(name: &str, module: &str, is_small: bool) -> Result<Command> {
    let (root, environment) = (workspace::root(), environment()?);
    let mut node = program("node")?;
    node.arg(root.join(PACKAGE).join("build/main.mjs"));
    let paths = [
        ("--jco", environment.join("node_modules/@bytecodealliance/jco")),
        ("--wit", root.join("sdk/wit")),
        ("--entry", root.join(PACKAGE).join(module)),
        ("--out", folder()?.join(format!("{name}.wasm"))),
        ("--cache", environment.join("cache")),
    ];
    for (option, path) in paths {
        node.arg(option).arg(path);
    }
    if is_small {
        node.arg("--small");
    }
    Ok(node)
}

/// Where the guests of other toolchains than Rust's are.
pub(crate) fn folder() -> Result<PathBuf> {
    Ok(Workspace::load()?.target_directory.join("guests"))
}

fn environment() -> Result<PathBuf> {
    Ok(Workspace::load()?.target_directory.join("javascript"))
}

/// What tells tests, and the `fn` they start, what there is.
pub(crate) fn variables() -> Result<Vec<(&'static str, OsString)>> {
    let mut variables = vec![(GUESTS, folder()?.into()), (JCO, environment()?.into())];
    variables.extend(path(Install::Forbidden)?.map(|it| ("PATH", it)));
    Ok(variables)
}
