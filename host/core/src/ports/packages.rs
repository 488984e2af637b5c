//! What a registry knows of packages: namespaces and their owners, versions and whether they are offered.

use async_trait::async_trait;

use crate::{
    Digest, Name,
    package::{
        Namespace, OwnerRole, Package, PackageId, PackageName, PackageVersion, Publisher, Repository, Standing, State,
    },
    page::{Page, PageRequest},
};

/// Why a registry said no.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// No such package, version, namespace, owner, manifest or blob.
    #[error("{0} does not exist")]
    NotFound(String),
    /// The namespace is somebody else's.
    #[error("`{who}` may not {what} in the namespace `{namespace}`")]
    Denied {
        /// Who.
        who: String,
        /// What they wanted to do.
        what: &'static str,
        /// Where.
        namespace: String,
    },
    /// A version never changes.
    #[error("`{id}` was published as {there} already, and a version never changes; publish the next version")]
    Immutable {
        /// Which.
        id: String,
        /// What it is.
        there: Digest,
    },
    /// A version that is offered is not deleted.
    #[error("`{0}` is offered to everybody and stays; yank it, so that nobody begins to use it")]
    Offered(String),
    /// A blob that a manifest consists of, or a manifest that an index lists, is not deleted.
    #[error("{0} is part of a manifest of this repository")]
    InUse(Digest),
    /// A blob or manifest that a new manifest names is not in the repository.
    #[error("{0} is not in the repository; push it first")]
    Missing(Digest),
    /// There are as many as there may be.
    #[error("there are {0} already, which is the most")]
    TooMany(&'static str),
    /// The only owner cannot go.
    #[error("`{0}` is the only owner of the namespace; make somebody else one first")]
    LastOwner(String),
    /// The `after` of a page is none that was given out.
    #[error("`{0}` is not a place in the list")]
    Cursor(String),
    /// The store failed.
    #[error("{0}")]
    Storage(String),
}

/// What is searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Words that each must be found: in the name, best of all, in a category, or in the description.
    pub words: Vec<String>,
    /// Only what is in this category.
    pub category: Option<Name>,
    /// Only what is in this namespace.
    pub namespace: Option<Name>,
}

impl Search {
    /// The most words that are looked for.
    pub const MOST_WORDS: usize = 8;

    /// The words of a text: lower case, as many as are looked for.
    #[must_use]
    pub fn words_of(text: &str) -> Vec<String> {
        text.split_whitespace().take(Self::MOST_WORDS).map(str::to_lowercase).collect()
    }
}

/// A category, and how many packages are in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its word.
    pub name: Name,
    /// How many packages that are offered.
    pub packages: u64,
}

/// What came of looking at a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it is offered.
    pub state: State,
    /// Why it is not.
    pub reason: Option<String>,
    /// The OCI manifest of its README, cases and icon.
    pub docs: Option<Digest>,
}

/// Pulls of a component since they were last counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulls {
    /// Where it was pulled from.
    pub repository: Repository,
    /// The component.
    pub component: Digest,
    /// How often.
    pub count: u64,
}

/// Packages, their versions and namespaces. Every change is one transaction with its audit event.
#[async_trait]
pub trait Packages: Send + Sync {
    /// Packages that are offered, the most fitting first, then the most pulled, then by name.
    async fn search(&self, search: &Search, page: &PageRequest) -> Result<Page<Package>, PackageError>;

    /// Every category, in order of name.
    async fn categories(&self) -> Result<Vec<Category>, PackageError>;

    /// A package.
    async fn package(&self, name: &PackageName) -> Result<Package, PackageError>;

    /// Its versions, newest first; also those that are not offered.
    async fn versions(&self, name: &PackageName) -> Result<Vec<PackageVersion>, PackageError>;

    /// One version.
    async fn version(&self, id: &PackageId) -> Result<PackageVersion, PackageError>;

    /// The version whose OCI manifest this is.
    async fn version_of(&self, name: &PackageName, digest: &Digest) -> Result<Option<PackageVersion>, PackageError>;

    /// Versions that wait to be looked at, oldest first.
    async fn pending(&self) -> Result<Vec<PackageVersion>, PackageError>;

    /// Says whether a version is offered. One that is offered stays so.
    async fn judge(&self, id: &PackageId, verdict: &Verdict) -> Result<(), PackageError>;

    /// Takes a version back, with the reason; without one, offers it again.
    async fn yank(&self, id: &PackageId, reason: Option<&str>, who: &Publisher) -> Result<(), PackageError>;

    /// Says what to use in a package's place; without a message, that it may be used again.
    async fn deprecate(
        &self,
        package: &PackageName,
        message: Option<&str>,
        who: &Publisher,
    ) -> Result<(), PackageError>;

    /// Adds pulls up.
    async fn count(&self, pulls: &[Pulls]) -> Result<(), PackageError>;

    /// Namespaces in order of name.
    async fn namespaces(&self, page: &PageRequest) -> Result<Page<Namespace>, PackageError>;

    /// One namespace.
    async fn namespace(&self, name: &Name) -> Result<Namespace, PackageError>;

    /// Makes a namespace that belongs to `who`.
    async fn claim(&self, name: &Name, who: &Publisher) -> Result<Namespace, PackageError>;

    /// Lets `owner` do something in a namespace.
    async fn add_owner(
        &self,
        namespace: &Name,
        owner: &str,
        role: OwnerRole,
        who: &Publisher,
    ) -> Result<(), PackageError>;

    /// Lets `owner` do nothing there any more.
    async fn remove_owner(&self, namespace: &Name, owner: &str, who: &Publisher) -> Result<(), PackageError>;

    /// Says whether an admin knows who is behind a namespace.
    async fn verify(&self, namespace: &Name, standing: Standing, who: &Publisher) -> Result<(), PackageError>;
}
