//! Packages: the rows of a registry, and what of them is offered to whom.

mod manifests;
mod namespaces;
mod search;
mod versions;

use async_trait::async_trait;
use host_core::{
    Digest, Name,
    package::{Namespace, OwnerRole, Package, PackageId, PackageName, PackageVersion, Publisher, Repository, Standing},
    page::{Page, PageRequest},
    ports::{
        Category, KeptManifest, NewManifest, PackageError, Packages, Pulls, Reference, Repositories, Search, Verdict,
    },
};

use crate::{Store, StoreError};

impl From<StoreError> for PackageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::NotFound(what),
            StoreError::Cursor(cursor) => Self::Cursor(cursor),
            other => Self::Storage(other.to_string()),
        }
    }
}

#[async_trait]
impl Repositories for Store {
    async fn may_publish(&self, repository: &Repository, who: &Publisher) -> Result<(), PackageError> {
        namespaces::may_publish(self, repository, who).await
    }

    async fn add_blob(
        &self,
        repository: &Repository,
        digest: &Digest,
        size: u64,
        who: &Publisher,
    ) -> Result<(), PackageError> {
        manifests::add_blob(self, repository, digest, size, who).await
    }

    async fn blob(&self, repository: &Repository, digest: &Digest) -> Result<Option<u64>, PackageError> {
        Ok(manifests::blob(self, repository, digest).await?)
    }

    async fn remove_blob(&self, repository: &Repository, digest: &Digest, who: &Publisher) -> Result<(), PackageError> {
        manifests::remove_blob(self, repository, digest, who).await
    }

    async fn add_manifest(&self, manifest: &NewManifest, who: &Publisher) -> Result<(), PackageError> {
        manifests::add(self, manifest, who).await
    }

    async fn manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Option<KeptManifest>, PackageError> {
        Ok(manifests::find(self, repository, reference).await?)
    }

    async fn remove_manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
        who: &Publisher,
    ) -> Result<(), PackageError> {
        manifests::remove::remove(self, repository, reference, who).await
    }

    async fn tags(
        &self,
        repository: &Repository,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Option<Vec<String>>, PackageError> {
        Ok(manifests::tags(self, repository, after, limit).await?)
    }

    async fn referrers(&self, repository: &Repository, subject: &Digest) -> Result<Vec<KeptManifest>, PackageError> {
        Ok(manifests::referrers(self, repository, subject).await?)
    }
}

#[async_trait]
impl Packages for Store {
    async fn search(&self, search: &Search, page: &PageRequest) -> Result<Page<Package>, PackageError> {
        Ok(search::search(self, search, page).await?)
    }

    async fn categories(&self) -> Result<Vec<Category>, PackageError> {
        Ok(search::categories(self).await?)
    }

    async fn package(&self, name: &PackageName) -> Result<Package, PackageError> {
        Ok(search::package(self, name).await?)
    }

    async fn versions(&self, name: &PackageName) -> Result<Vec<PackageVersion>, PackageError> {
        Ok(versions::all(self, name).await?)
    }

    async fn version(&self, id: &PackageId) -> Result<PackageVersion, PackageError> {
        Ok(versions::one(self, id).await?)
    }

    async fn version_of(&self, name: &PackageName, digest: &Digest) -> Result<Option<PackageVersion>, PackageError> {
        Ok(versions::of_digest(self, name, digest).await?)
    }

    async fn pending(&self) -> Result<Vec<PackageVersion>, PackageError> {
        Ok(versions::pending(self).await?)
    }

    async fn judge(&self, id: &PackageId, verdict: &Verdict) -> Result<(), PackageError> {
        Ok(versions::judge(self, id, verdict).await?)
    }

    async fn yank(&self, id: &PackageId, reason: Option<&str>, who: &Publisher) -> Result<(), PackageError> {
        versions::yank(self, id, reason, who).await
    }

    async fn deprecate(
        &self,
        package: &PackageName,
        message: Option<&str>,
        who: &Publisher,
    ) -> Result<(), PackageError> {
        versions::deprecate(self, package, message, who).await
    }

    async fn count(&self, pulls: &[Pulls]) -> Result<(), PackageError> {
        Ok(versions::count(self, pulls).await?)
    }

    async fn namespaces(&self, page: &PageRequest) -> Result<Page<Namespace>, PackageError> {
        Ok(namespaces::page(self, page).await?)
    }

    async fn namespace(&self, name: &Name) -> Result<Namespace, PackageError> {
        Ok(namespaces::one(self, name).await?)
    }

    async fn claim(&self, name: &Name, who: &Publisher) -> Result<Namespace, PackageError> {
        namespaces::claim(self, name, who).await
    }

    async fn add_owner(
        &self,
        namespace: &Name,
        owner: &str,
        role: OwnerRole,
        who: &Publisher,
    ) -> Result<(), PackageError> {
        namespaces::add_owner(self, namespace, owner, role, who).await
    }

    async fn remove_owner(&self, namespace: &Name, owner: &str, who: &Publisher) -> Result<(), PackageError> {
        namespaces::remove_owner(self, namespace, owner, who).await
    }

    async fn verify(&self, namespace: &Name, standing: Standing, who: &Publisher) -> Result<(), PackageError> {
        namespaces::verify(self, namespace, standing, who).await
    }
}
