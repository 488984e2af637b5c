//! Repositories of a registry: which manifests, tags and blobs are where. The bytes are in the artifact store.

use async_trait::async_trait;
use jiff::Timestamp;
use semver::Version;
use serde_json::{Map, Value};

use super::PackageError;
use crate::{
    Digest,
    package::{About, Publisher, Repository},
};

/// A manifest about to be kept, checked already; its bytes are in the artifact store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewManifest {
    /// Where.
    pub repository: Repository,
    /// Its digest.
    pub digest: Digest,
    /// What it is.
    pub media_type: String,
    /// What it describes, for those that list referrers.
    pub artifact_type: Option<String>,
    /// The manifest it says something about, which may come later.
    pub subject: Option<Digest>,
    /// How many bytes it has.
    pub size: u64,
    /// What it says of itself.
    pub annotations: Map<String, Value>,
    /// The blobs it consists of: each must be in the repository.
    pub blobs: Vec<Digest>,
    /// The manifests it lists: each must be in the repository.
    pub manifests: Vec<Digest>,
    /// The name it gets.
    pub tag: Option<String>,
    /// The version of a package that it is.
    pub package: Option<NewPackage>,
}

/// A version of a package about to be known.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPackage {
    /// Which version.
    pub version: Version,
    /// Its component.
    pub component: Digest,
    /// How many bytes that has.
    pub size: u64,
    /// What it says of itself.
    pub about: About,
    /// What it waits for.
    pub reason: String,
}

/// A manifest that is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptManifest {
    /// Its digest.
    pub digest: Digest,
    /// What it is.
    pub media_type: String,
    /// What it describes.
    pub artifact_type: Option<String>,
    /// How many bytes it has.
    pub size: u64,
    /// What it says of itself.
    pub annotations: Map<String, Value>,
    /// Since when.
    pub created_at: Timestamp,
}

/// How a manifest is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// By its name.
    Tag(String),
    /// By its bytes.
    Digest(Digest),
}

/// The rows of a registry. Every change is one transaction with its audit event.
#[async_trait]
pub trait Repositories: Send + Sync {
    /// Whether `who` may publish in the namespace of `repository`. One that nobody has yet may be had by publishing.
    async fn may_publish(&self, repository: &Repository, who: &Publisher) -> Result<(), PackageError>;

    /// Notes that a repository has a blob; its namespace becomes that of `who` where it is nobody's.
    async fn add_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        size: u64,
        who: &Publisher,
    ) -> Result<(), PackageError>;

    /// How many bytes a blob of the repository has.
    async fn blob(&self, repository: &Repository, digest: &Digest) -> Result<Option<u64>, PackageError>;

    /// Takes a blob out of a repository. One that a manifest consists of stays.
    async fn remove_blob(&self, repository: &Repository, digest: &Digest, who: &Publisher) -> Result<(), PackageError>;

    /// Keeps a manifest and moves its tag. A tag that is a version of a package never moves.
    async fn add_manifest(&self, manifest: &NewManifest, who: &Publisher) -> Result<(), PackageError>;

    /// A manifest.
    async fn manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Option<KeptManifest>, PackageError>;

    /// Takes a manifest away with its tags, or a tag alone. Versions that are offered stay.
    async fn remove_manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
        who: &Publisher,
    ) -> Result<(), PackageError>;

    /// Tags in order of their text, after `after`. Nothing where there is no such repository.
    async fn tags(
        &self,
        repository: &Repository,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Option<Vec<String>>, PackageError>;

    /// The manifests that say something about `subject`, oldest first.
    async fn referrers(&self, repository: &Repository, subject: &Digest) -> Result<Vec<KeptManifest>, PackageError>;
}
