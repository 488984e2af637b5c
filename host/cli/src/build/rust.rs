//! Rust: `cargo build --target wasm32-wasip2`, whose output is a component already.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::{
    project::Project,
    ui::{Exit, Printer, Stop},
};

const TARGET: &str = "wasm32-wasip2";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    manifest_path: PathBuf,
    targets: Vec<CargoTarget>,
    name: String,
}

#[derive(Deserialize)]
struct CargoTarget {
    name: String,
    kind: Vec<String>,
}

/// Runs cargo in the project's folder, unless told not to, and finds the component it makes.
pub(super) fn build(project: &Project, build: bool, printer: &Printer) -> anyhow::Result<PathBuf> {
    let metadata = metadata(project)?;
    let profile = profile(&metadata)?;
    let package = package(project, &metadata)?;
    if build {
        cargo_build(project, package, &profile, printer)?;
    }
    let folder = metadata.target_directory.join(TARGET).join(&profile);
    artifact_of(package).map(|file| folder.join(file)).ok_or_else(|| {
        Stop::new(Exit::Usage, format!("package `{}` has neither a cdylib nor a binary", package.name))
            .at(package.manifest_path.display().to_string())
            .hint("add `[lib] crate-type = [\"cdylib\"]` for a handler, or src/main.rs for a job")
            .into()
    })
}

fn cargo_build(project: &Project, package: &Package, profile: &str, printer: &Printer) -> anyhow::Result<()> {
    printer.say(&format!("building {} for {TARGET}", package.name));
    let status = Command::new("cargo")
        .args(["build", "--target", TARGET, "--profile", profile, "--package", &package.name])
        .current_dir(&project.folder)
        .stdout(Stdio::null())
        .status()
        .map_err(no_cargo)?;
    if status.success() {
        return Ok(());
    }
    Err(Stop::new(Exit::Failed, format!("cargo could not build `{}`; its messages are above", package.name))
        .at(project.folder.display().to_string())
        .hint(format!("if the target is missing: rustup target add {TARGET}"))
        .into())
}

fn metadata(project: &Project) -> anyhow::Result<Metadata> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(&project.folder)
        .stderr(Stdio::inherit())
        .output()
        .map_err(no_cargo)?;
    if !output.status.success() {
        return Err(Stop::new(Exit::Failed, "cargo cannot read the package; its messages are above")
            .at(project.folder.join("Cargo.toml").display().to_string())
            .into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn no_cargo(error: std::io::Error) -> Stop {
    Stop::new(Exit::Failed, format!("could not start cargo: {error}"))
        .hint("install Rust, or name a built component in function.toml")
}

/// The workspace's own profile for guests, where it has one.
fn profile(metadata: &Metadata) -> anyhow::Result<String> {
    let manifest = std::fs::read_to_string(metadata.workspace_root.join("Cargo.toml"))?;
    let has_guest = manifest
        .parse::<toml::Table>()
        .is_ok_and(|table| table.get("profile").and_then(|it| it.get("guest")).is_some());
    Ok(if has_guest { "guest" } else { "release" }.to_owned())
}

fn package<'a>(project: &Project, metadata: &'a Metadata) -> Result<&'a Package, Stop> {
    let wanted = std::fs::canonicalize(project.folder.join("Cargo.toml")).ok();
    let here = |it: &&Package| std::fs::canonicalize(&it.manifest_path).ok() == wanted;
    metadata.packages.iter().find(here).ok_or_else(|| {
        Stop::new(Exit::Usage, "there is no Cargo package beside function.toml")
            .at(project.folder.display().to_string())
    })
}

/// The file that cargo makes: underscores for a library, the name as it is for a binary.
fn artifact_of(package: &Package) -> Option<String> {
    let of_kind = |kind: &str| package.targets.iter().find(|it| it.kind.iter().any(|k| k == kind));
    let library = of_kind("cdylib").map(|it| format!("{}.wasm", it.name.replace('-', "_")));
    library.or_else(|| of_kind("bin").map(|it| format!("{}.wasm", it.name)))
}
