//! Tries the API of a whole host against its own description: no 500, and nothing that the description does not say.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{command, demo, prepare::Install, python, workspace};

/// What tries it, seen from the root.
const REQUIREMENTS: &str = "deploy/dev/schemathesis.txt";

/// Where its hooks lie, seen from the root.
const HOOKS: &str = "deploy/dev";

/// What each answer is held against.
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,use_after_free";

/// Brings what tries it.
pub(crate) fn install(install: Install) -> Result<()> {
    python::environment("schemathesis", REQUIREMENTS, install).map(drop)
}

/// Starts a host that has something to show, and sends it what its description allows and what it forbids.
pub(crate) fn run(is_built: bool) -> Result<()> {
    let programs = python::environment("schemathesis", REQUIREMENTS, Install::Forbidden)?;
    let folder = tempfile::Builder::new().prefix("weft-contract-").tempdir().context("could not make a folder")?;
    let host = demo::staged(is_built, folder.path())?;
    let mut tries = Command::new(programs.join("schemathesis"));
    tries.arg("run").arg(format!("{}/api/v1/openapi.json", host.url()));
    tries.args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "20"]);
    // A seed of its own makes a failure one that can be repeated.
    tries.args(["--seed", "1", "--continue-on-failure", "--request-timeout", "20", "--no-color", "--warnings", "off"]);
    // What a stream of events has to say comes when it comes.
    tries.args(["--exclude-path-regex", "/(events|follow)$", "--suppress-health-check", "all"]);
    tries.env("SCHEMATHESIS_HOOKS", "schemathesis_hooks").env("PYTHONPATH", workspace::root().join(HOOKS));
    tries.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(folder.path());
    command::run(&mut tries)
}
