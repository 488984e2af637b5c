//! componentize-py, which makes components of Python: installed below target/, where tests find it.

use std::path::PathBuf;

use anyhow::Result;

use crate::{javascript, prepare::Install, python};

/// The variable in which tests find the folder of its programs.
const VARIABLE: &str = "WEFT_TEST_COMPONENTIZE";

/// What names the folder of what `fn build` has built before.
const CACHE: &str = "WEFT_BUILD_CACHE";

/// What it is made of, seen from the root.
const REQUIREMENTS: &str = "deploy/dev/componentize.txt";

/// Brings it; the folder of its programs.
pub(crate) fn programs(install: Install) -> Result<PathBuf> {
    python::environment("componentize", REQUIREMENTS, install)
}

/// What tells tests, and the `fn` they start, where it is and what it has built before.
pub(crate) fn variables() -> Result<[(&'static str, PathBuf); 2]> {
    Ok([(VARIABLE, programs(Install::Forbidden)?), (CACHE, javascript::folder()?.join("built"))])
}
