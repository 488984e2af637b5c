//! `cargo xtask guests`: every guest of the workspace, compiled to WebAssembly in one build, and those in JavaScript.

use anyhow::Result;

use crate::{command, javascript, prepare, talk, workspace::Workspace};

/// The target guests are built for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// Builds all guests: those in Rust, and into `target/guests/` those in JavaScript.
pub(crate) fn all() -> Result<()> {
    build()?;
    javascript::build()
}

/// Builds the guests in Rust into `target/wasm32-wasip2/guest/`.
pub(crate) fn build() -> Result<()> {
    prepare::wasm_target(prepare::Install::Allowed)?;
    let workspace = Workspace::load()?;
    let packages: Vec<&str> = workspace.guests().flat_map(|it| ["--package", it.name.as_str()]).collect();
    if packages.is_empty() {
        talk::say("no guests yet: a guest is a member with a function.toml, or one under sdk/conformance");
        return Ok(());
    }
    let build = ["build", "--target", TARGET, "--profile", "guest"];
    command::run(&mut command::cargo(build.iter().copied().chain(packages)))
}
