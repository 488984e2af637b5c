//! Packages: what this host's registry offers.

use host_core::{
    Name,
    package::{PackageId, PackageName},
};
use semver::Version;

use crate::problem::Problem;

pub(super) mod categories;
pub(super) mod deprecate;
pub(super) mod docs;
pub(super) mod list;
pub(super) mod show;
pub(super) mod unyank;
pub(super) mod version;
pub(super) mod versions;
pub(super) mod yank;

/// The package that a path names.
fn package(namespace: Name, name: Name) -> PackageName {
    PackageName { namespace, name }
}

/// The version that a path names.
fn id(namespace: Name, name: Name, version: &str) -> Result<PackageId, Problem> {
    let version: Version = version.parse().map_err(|error| {
        Problem::unprocessable("invalid-version", format!("`{version}` is no version: {error}"))
            .hint("write all three numbers, such as 1.2.0")
    })?;
    Ok(PackageId { package: package(namespace, name), version })
}
