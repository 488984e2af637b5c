//! Packages that a registry offers, their versions and namespaces.

use host_core::{
    Digest, Name,
    package::{self, PackageName},
    ports,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A package, as a search shows it: what its newest version says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Package {
    /// Its name, `namespace/name`.
    #[schema(value_type = String)]
    pub name: PackageName,
    /// The newest version that is offered and not yanked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<String>,
    /// What that says of itself, in one sentence.
    pub description: String,
    /// The SPDX expression of its licence.
    pub licenses: String,
    /// Words to find it by.
    #[schema(value_type = Vec<String>)]
    pub categories: Vec<Name>,
    /// What it was written in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What to use in its place, where its owners said that it should not be used any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    /// Whether an admin of the registry knows who is behind its namespace.
    pub verified: bool,
    /// How often any of its versions was pulled.
    pub downloads: u64,
    /// When its first version was published.
    pub created_at: Timestamp,
    /// When something last changed.
    pub updated_at: Timestamp,
}

impl From<package::Package> for Package {
    fn from(it: package::Package) -> Self {
        Self {
            name: it.name,
            latest: it.latest.map(|version| version.to_string()),
            description: it.description,
            licenses: it.licenses,
            categories: it.categories,
            language: it.language,
            deprecated: it.deprecated,
            verified: it.standing == package::Standing::Verified,
            downloads: it.downloads,
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

/// Whether a version is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = PackageState)]
pub enum State {
    /// Not yet: something is missing, or is being checked.
    Pending,
    /// Yes.
    Listed,
    /// No: what was checked does not hold.
    Refused,
}

impl From<package::State> for State {
    fn from(state: package::State) -> Self {
        match state {
            package::State::Pending => Self::Pending,
            package::State::Listed => Self::Listed,
            package::State::Refused => Self::Refused,
        }
    }
}

/// Why nobody should begin to use a version, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Yank {
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// One version of a package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackageVersion {
    /// The package, `namespace/name`.
    #[schema(value_type = String)]
    pub package: PackageName,
    /// The version, semver.
    pub version: String,
    /// The digest of its OCI manifest: what a signature is over.
    #[schema(value_type = String)]
    pub digest: Digest,
    /// The digest of its component.
    #[schema(value_type = String)]
    pub component: Digest,
    /// How many bytes the component has.
    pub size: u64,
    /// What it says of itself, in one sentence.
    pub description: String,
    /// The SPDX expression of its licence.
    pub licenses: String,
    /// Where its source is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Which state of the source it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Words to find it by.
    #[schema(value_type = Vec<String>)]
    pub categories: Vec<Name>,
    /// What it was written in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Whether it is offered.
    pub state: State,
    /// Why it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yanked: Option<Yank>,
    /// How often its component was pulled.
    pub downloads: u64,
    /// Who published it.
    pub published_by: String,
    /// When.
    pub published_at: Timestamp,
}

impl From<package::PackageVersion> for PackageVersion {
    fn from(it: package::PackageVersion) -> Self {
        let yanked = it.yanked.map(|yank| Yank { reason: yank.reason, by: yank.by, at: yank.at });
        Self {
            package: it.id.package,
            version: it.id.version.to_string(),
            digest: it.digest,
            component: it.component,
            size: it.size,
            description: it.about.description,
            licenses: it.about.licenses,
            source: it.about.source,
            revision: it.about.revision,
            authors: it.about.authors,
            categories: it.about.categories,
            language: it.about.language,
            state: it.state.into(),
            reason: it.reason,
            yanked,
            downloads: it.downloads,
            published_by: it.published_by,
            published_at: it.published_at,
        }
    }
}

/// What is written of a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackageDocs {
    /// The version it is of.
    pub version: PackageVersion,
    /// The manifest of the function: entries, params, inputs, outputs, grants, limits.
    #[schema(value_type = Object)]
    pub manifest: Value,
    /// Its README, Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readme: Option<String>,
    /// Its picture, SVG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// What its package, and every earlier version, is replaced by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
}

/// Why a version is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct YankVersion {
    /// For whoever uses it.
    pub reason: String,
}

/// What to use in a package's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deprecate {
    /// For whoever uses it; absent, the package may be used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A category, and how many packages are in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Category {
    /// Its word.
    #[schema(value_type = String)]
    pub name: Name,
    /// How many packages that are offered.
    pub packages: u64,
}

impl From<ports::Category> for Category {
    fn from(it: ports::Category) -> Self {
        Self { name: it.name, packages: it.packages }
    }
}

/// What somebody may do in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OwnerRole {
    /// Publish versions.
    Publisher,
    /// And say who else may, yank, deprecate and delete.
    Owner,
}

impl From<package::OwnerRole> for OwnerRole {
    fn from(role: package::OwnerRole) -> Self {
        match role {
            package::OwnerRole::Publisher => Self::Publisher,
            package::OwnerRole::Owner => Self::Owner,
        }
    }
}

impl From<OwnerRole> for package::OwnerRole {
    fn from(role: OwnerRole) -> Self {
        match role {
            OwnerRole::Publisher => Self::Publisher,
            OwnerRole::Owner => Self::Owner,
        }
    }
}

/// Somebody who may do something in a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = NamespaceOwner)]
pub struct Owner {
    /// The name of their token; `name@project` where it is for one project.
    pub name: String,
    /// What they may do.
    pub role: OwnerRole,
    /// Who said so.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
}

/// What somebody is to be allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddOwner {
    /// What they may do.
    pub role: OwnerRole,
}

/// Whether an admin knows who is behind a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyNamespace {
    /// Whether they do.
    pub verified: bool,
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Namespace {
    /// Its name.
    #[schema(value_type = String)]
    pub name: Name,
    /// Whether an admin of the registry knows who is behind it.
    pub verified: bool,
    /// Who may do something in it, in order of name.
    pub owners: Vec<Owner>,
    /// How many packages it offers.
    pub packages: u64,
    /// Who was first.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

impl From<package::Namespace> for Namespace {
    fn from(it: package::Namespace) -> Self {
        let owner = |it: package::Owner| Owner {
            name: it.name,
            role: it.role.into(),
            added_by: it.added_by,
            added_at: it.added_at,
        };
        Self {
            name: it.name,
            verified: it.standing == package::Standing::Verified,
            owners: it.owners.into_iter().map(owner).collect(),
            packages: it.packages,
            created_by: it.created_by,
            created_at: it.created_at,
        }
    }
}
