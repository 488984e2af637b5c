//! Packages: functions that were published, by namespace, name and version, and what a registry knows of them.

use std::{fmt, str::FromStr, sync::Arc};

use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Digest, Name};

/// Namespaces that no package can have: the inference protocol has these words behind the same `/v2/`.
pub const RESERVED: &[&str] = &["health", "models", "repository"];

/// The namespace of the library that comes with a release.
pub const STANDARD: &str = "std";

/// `namespace/name`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName {
    /// Whose it is.
    pub namespace: Name,
    /// Its name there.
    pub name: Name,
}

/// A text that is not a [`PackageName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a package: write namespace/name, such as std/describe")]
pub struct InvalidPackageName(pub String);

impl FromStr for PackageName {
    type Err = InvalidPackageName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('/').and_then(|(space, name)| Some((space.parse().ok()?, name.parse().ok()?)));
        let (namespace, name): (Name, Name) = parts.ok_or_else(|| InvalidPackageName(text.to_owned()))?;
        if RESERVED.contains(&namespace.as_str()) {
            return Err(InvalidPackageName(text.to_owned()));
        }
        Ok(Self { namespace, name })
    }
}

impl TryFrom<String> for PackageName {
    type Error = InvalidPackageName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PackageName> for String {
    fn from(name: PackageName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Debug for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// One version of a package: `namespace/name@1.2.0`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PackageId {
    /// The package.
    pub package: PackageName,
    /// The version.
    pub version: Version,
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.package, self.version)
    }
}

/// The longest name of a repository, as OCI clients have it.
const LONGEST_REPOSITORY: usize = 255;

/// Where a registry keeps manifests and blobs: one or more words with `/` between them. The first is its namespace.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository(Arc<str>);

/// A text that is not a [`Repository`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of a repository: use a-z, 0-9 and single . _ - between them, parts separated by /")]
pub struct InvalidRepository(pub String);

impl Repository {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its first word.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// The package it holds the versions of, where it can hold any.
    #[must_use]
    pub fn package(&self) -> Option<PackageName> {
        self.0.parse().ok()
    }
}

/// Letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_word(word: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = word.split(is_plain).filter(|it| !it.is_empty());
    let fits = |it: &str| matches!(it, "." | "_" | "__") || it.bytes().all(|byte| byte == b'-');
    word.starts_with(is_plain) && word.ends_with(is_plain) && separators.into_iter().all(fits)
}

impl FromStr for Repository {
    type Err = InvalidRepository;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let namespace = text.split('/').next().unwrap_or_default();
        let fits = text.len() <= LONGEST_REPOSITORY
            && namespace.parse::<Name>().is_ok()
            && !RESERVED.contains(&namespace)
            && text.split('/').all(is_word);
        if fits { Ok(Self(Arc::from(text))) } else { Err(InvalidRepository(text.to_owned())) }
    }
}

impl From<&PackageName> for Repository {
    fn from(package: &PackageName) -> Self {
        Self(Arc::from(package.to_string()))
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who publishes, as namespaces know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// Their name; of somebody bound to one project, `name@project`, since names are given out by project.
    pub name: String,
    /// How far their say goes.
    pub say: Say,
}

/// How far somebody's say goes among namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    /// Over those they own or may publish in.
    Own,
    /// Over all: an admin's.
    All,
}

impl From<&crate::identity::Principal> for Publisher {
    fn from(principal: &crate::identity::Principal) -> Self {
        let is_admin = principal.role == crate::identity::Role::Admin && principal.project.is_none();
        let name = match &principal.project {
            Some(project) => format!("{}@{project}", principal.name),
            None => principal.name.clone(),
        };
        Self { name, say: if is_admin { Say::All } else { Say::Own } }
    }
}

/// What somebody may do in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OwnerRole {
    /// Publish versions.
    Publisher,
    /// And say who else may, yank, deprecate and delete.
    Owner,
}

impl OwnerRole {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Owner => "owner",
        }
    }
}

/// Somebody who may do something in a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Who.
    pub name: String,
    /// What they may do.
    pub role: OwnerRole,
    /// Who said so.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
}

/// Who is behind the packages of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Whoever came first.
    Unverified,
    /// Somebody an admin of this registry knows.
    Verified,
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: Name,
    /// Who is behind it.
    pub standing: Standing,
    /// Who may do something in it, in order of name.
    pub owners: Vec<Owner>,
    /// How many packages it offers.
    pub packages: u64,
    /// Who was first.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// What a version says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// One sentence.
    #[serde(default)]
    pub description: String,
    /// The SPDX expression of its licence.
    #[serde(default)]
    pub licenses: String,
    /// Where its source is kept.
    #[serde(default)]
    pub source: Option<String>,
    /// Which state of the source it was made of.
    #[serde(default)]
    pub revision: Option<String>,
    /// Who wrote it.
    #[serde(default)]
    pub authors: Vec<String>,
    /// Words to find it by.
    #[serde(default)]
    pub categories: Vec<Name>,
    /// What it was written in.
    #[serde(default)]
    pub language: Option<String>,
    /// The manifest of the function, as JSON.
    pub manifest: Value,
}

/// Whether a version is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not yet: something is missing, or is being checked.
    Pending,
    /// Yes.
    Listed,
    /// No: what was checked does not hold.
    Refused,
}

impl State {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Listed => "listed",
            Self::Refused => "refused",
        }
    }
}

/// Why nobody should begin to use a version, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yank {
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A version of a package, as a registry keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct PackageVersion {
    /// Which.
    pub id: PackageId,
    /// Its OCI manifest.
    pub digest: Digest,
    /// Its component.
    pub component: Digest,
    /// How many bytes the component has.
    pub size: u64,
    /// What it says of itself.
    pub about: About,
    /// The OCI manifest of its README, cases and icon, once they are there.
    pub docs: Option<Digest>,
    /// Whether it is offered.
    pub state: State,
    /// Why it is not.
    pub reason: Option<String>,
    /// Whether it was taken back.
    pub yanked: Option<Yank>,
    /// How often its component was pulled.
    pub downloads: u64,
    /// Who published it.
    pub published_by: String,
    /// When.
    pub published_at: Timestamp,
}

/// A package, as a search shows it: what its newest version says.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// Its name.
    pub name: PackageName,
    /// The newest version that is offered and not yanked.
    pub latest: Option<Version>,
    /// What that says of itself.
    pub description: String,
    /// Its licence.
    pub licenses: String,
    /// Its words.
    pub categories: Vec<Name>,
    /// What it was written in.
    pub language: Option<String>,
    /// What to use in its place, where its owners said that it should not be used any more.
    pub deprecated: Option<String>,
    /// Who is behind it.
    pub standing: Standing,
    /// How often any of its versions was pulled.
    pub downloads: u64,
    /// When its first version was published.
    pub created_at: Timestamp,
    /// When something last changed.
    pub updated_at: Timestamp,
}

/// The newest of some versions: one that is no prerelease, where there is one.
#[must_use]
pub fn newest<'v>(versions: impl IntoIterator<Item = &'v Version>) -> Option<&'v Version> {
    versions.into_iter().max_by(|a, b| (a.pre.is_empty(), *a).cmp(&(b.pre.is_empty(), *b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_has_a_namespace_and_a_name_and_nothing_else() {
        let name: PackageName = "std/train-forest".parse().unwrap();
        assert_eq!((name.namespace.as_str(), name.name.as_str()), ("std", "train-forest"));
        for wrong in ["", "std", "std/", "/x", "std/x/y", "Std/x", "std/../x", "models/x", "health/live", "std/x:1"] {
            assert!(wrong.parse::<PackageName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_repository_is_what_oci_clients_take_for_one() {
        for good in ["std/describe", "a", "a/b/c", "a/b.c_d__e---f", "a/1", &format!("a/{}", "b".repeat(253))] {
            assert!(good.parse::<Repository>().is_ok(), "{good}");
        }
        let long = format!("a/{}", "b".repeat(254));
        for bad in ["", "/", "a/", "a//b", "A/b", "a/b..c", "a/.b", "a/b_", "a/../b", "models/x", "1/x", "a/b c", &long]
        {
            assert!(bad.parse::<Repository>().is_err(), "{bad}");
        }
        assert_eq!("a/b/c".parse::<Repository>().unwrap().namespace(), "a");
        assert!("a/b/c".parse::<Repository>().unwrap().package().is_none());
    }

    #[test]
    fn the_newest_version_is_no_prerelease_where_there_is_another() {
        let versions: Vec<Version> = ["1.9.0", "1.10.0", "2.0.0-rc.1"].iter().map(|it| it.parse().unwrap()).collect();
        assert_eq!(newest(&versions).unwrap().to_string(), "1.10.0");
        assert_eq!(newest(&versions[2..]).unwrap().to_string(), "2.0.0-rc.1");
        assert_eq!(newest([]), None);
    }

    #[test]
    fn whoever_is_bound_to_a_project_is_nobody_elses_namesake() {
        let mut principal = crate::identity::Principal { name: "ann".into(), ..crate::identity::Principal::local() };
        assert_eq!(Publisher::from(&principal), Publisher { name: "ann".into(), say: Say::All });
        principal.project = Some("wine".parse().unwrap());
        assert_eq!(Publisher::from(&principal), Publisher { name: "ann@wine".into(), say: Say::Own });
    }
}
