//! Implementations that the numbers of the library are compared with: scikit-learn and its kin.

use std::path::PathBuf;

use anyhow::Result;

use crate::{prepare::Install, python};

/// The variable in which tests find the folder of its programs.
pub(crate) const VARIABLE: &str = "WEFT_TEST_SCIENCE";

/// What it is made of, seen from the root.
const REQUIREMENTS: &str = "deploy/dev/science.txt";

/// Brings what it is made of; the folder with its `python`.
pub(crate) fn programs(install: Install) -> Result<PathBuf> {
    python::environment("science", REQUIREMENTS, install)
}
