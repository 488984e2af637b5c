//! The client of registries: one face for any OCI host, for a folder and for a static mirror of one.

mod error;
mod folder;
mod packages;
mod remote;
mod static_mirror;

pub use error::ClientError;
pub use folder::Folder;
pub use packages::{Fetched, Mark, Published, choose, copy, explain, fetch, publish, sign, versions};
pub use remote::{Credentials, Remote};
pub use static_mirror::{Download, StaticMirror};

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use host_core::{Digest, package::PackageName};

use crate::layout::{Blob, Descriptor};

/// A manifest by its tag or by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// By a name that may move.
    Tag(String),
    /// By what it is.
    Digest(Digest),
}

impl Reference {
    /// Where what refers to a manifest is listed on registries that list it nowhere else.
    #[must_use]
    pub fn referrers_of(subject: &Digest) -> Self {
        Self::Tag(format!("sha256-{}", subject.hex()))
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(tag),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// Where packages are kept. What comes from it is checked by whoever asked for it.
#[async_trait]
pub trait Place: Send + Sync {
    /// What it is called, without anything secret.
    fn address(&self) -> String;

    /// The tags of a package; none where there is no such package.
    async fn tags(&self, package: &PackageName) -> Result<Vec<String>, ClientError>;

    /// A manifest, if it is there.
    async fn manifest(&self, package: &PackageName, reference: &Reference) -> Result<Option<Blob>, ClientError>;

    /// The bytes that a descriptor names: no more than it says, and with the digest it says.
    async fn blob(&self, package: &PackageName, descriptor: &Descriptor) -> Result<Bytes, ClientError>;

    /// What refers to a manifest.
    async fn referrers(&self, package: &PackageName, subject: &Digest) -> Result<Vec<Descriptor>, ClientError>;

    /// Keeps a blob.
    async fn put_blob(&self, package: &PackageName, blob: &Blob) -> Result<(), ClientError>;

    /// Keeps a manifest, under a tag too where there is one.
    async fn put_manifest(&self, package: &PackageName, blob: &Blob, tag: Option<&str>) -> Result<(), ClientError>;

    /// Lists `referrer` among what refers to `subject`, where the place does not do so by itself.
    async fn refer(&self, package: &PackageName, subject: &Digest, referrer: Descriptor) -> Result<(), ClientError>;

    /// Every package, where the place can say so.
    async fn packages(&self) -> Result<Vec<PackageName>, ClientError>;

    /// What is said of each tag beside its manifest: which versions were taken back, which package is replaced.
    async fn marks(&self, _package: &PackageName) -> Result<BTreeMap<String, Vec<Mark>>, ClientError> {
        Ok(BTreeMap::new())
    }
}

#[cfg(test)]
mod tests;
