//! The library that comes with a release: a folder of packages that the registry takes over, once, as its own `std`.

use std::path::PathBuf;

use host_core::{
    package::{PackageId, PackageName, Publisher, Repository, STANDARD, Say, State},
    ports::{NewManifest, Verdict},
};

use super::{Refusal, Registry, parse::parse};
use crate::{
    catalogue::{Refused, told},
    client::{self, ClientError, Folder, Place, Reference},
    layout::{self, Blob, Descriptor, media},
};

/// Who offers it.
const WHO: &str = "weft";

/// Why a package of the library is not offered.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The folder cannot be read.
    #[error(transparent)]
    Folder(#[from] ClientError),
    /// The registry does not take it.
    #[error("{0}")]
    Refused(String),
}

impl From<Refusal> for LibraryError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.to_string())
    }
}

impl From<host_core::ports::PackageError> for LibraryError {
    fn from(error: host_core::ports::PackageError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<host_core::ports::ArtifactError> for LibraryError {
    fn from(error: host_core::ports::ArtifactError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl Registry {
    /// Offers every package of the folder, and returns how many were not there yet. One that cannot be offered is told
    /// of and does not keep the others back. Their cases are not run once more: they passed when the library was made.
    ///
    /// # Errors
    /// When the folder is no library.
    pub async fn offer_library(&self, folder: PathBuf) -> Result<usize, LibraryError> {
        let folder = Folder::new(folder);
        let mut new = 0;
        let packages = folder.packages().await?;
        for name in packages.iter().filter(|it| it.namespace.as_str() == STANDARD) {
            for version in client::versions(&folder, name).await? {
                let id = PackageId { package: name.clone(), version };
                match self.offer(&folder, &id).await {
                    Ok(is_new) => new += usize::from(is_new),
                    Err(error) => tracing::warn!(package = %id, %error, "a package of the library cannot be offered"),
                }
            }
        }
        Ok(new)
    }

    /// Whether it was not there yet.
    async fn offer(&self, folder: &Folder, id: &PackageId) -> Result<bool, LibraryError> {
        let (name, packages) = (&id.package, self.catalogue.packages());
        let fetched = client::fetch(folder, name, &id.version).await?;
        let there = packages.version_of(name, &fetched.manifest.digest).await?;
        if there.is_some_and(|it| it.state == State::Listed) {
            return Ok(false);
        }
        let tag = id.version.to_string();
        self.take(folder, name, &fetched.manifest, Some(&tag)).await?;
        let mut docs = None;
        for referrer in folder.referrers(name, &fetched.manifest.digest).await? {
            let Some(manifest) = folder.manifest(name, &Reference::Digest(referrer.digest)).await? else { continue };
            self.take(folder, name, &manifest, None).await?;
            if referrer.artifact_type.as_deref() == Some(media::DOCS) {
                docs = Some(referrer.digest);
            }
        }
        packages.judge(id, &Verdict { state: State::Listed, reason: None, docs }).await?;
        Ok(true)
    }

    /// Takes a manifest over, with all that it names.
    async fn take(
        &self,
        folder: &Folder,
        name: &PackageName,
        manifest: &Blob,
        tag: Option<&str>,
    ) -> Result<(), LibraryError> {
        let who = Publisher { name: WHO.to_owned(), say: Say::All };
        let repository = Repository::from(name);
        let artifact = layout::read_artifact(&manifest.bytes).map_err(|it| LibraryError::Refused(it.to_string()))?;
        for part in artifact.layers.iter().chain([&artifact.config]) {
            let bytes = folder.blob(name, part).await?;
            self.artifacts.put(bytes).await?;
            let Descriptor { digest, size, .. } = part;
            self.rows.add_blob(&repository, digest, *size, &who).await?;
        }
        let package = match tag {
            None => None,
            Some(tag) => Some(self.catalogue.examine(name, tag, &manifest.bytes).await.map_err(unfit)?),
        };
        let parsed = parse(&manifest.bytes, Some(media::MANIFEST))?;
        self.artifacts.put(manifest.bytes.clone()).await?;
        let new = NewManifest {
            repository,
            digest: manifest.digest,
            media_type: parsed.media_type,
            artifact_type: parsed.artifact_type,
            subject: parsed.subject,
            size: manifest.bytes.len() as u64,
            annotations: parsed.annotations,
            blobs: parsed.blobs,
            manifests: parsed.manifests,
            tag: tag.map(str::to_owned),
            package,
        };
        Ok(self.rows.add_manifest(&new, &who).await?)
    }
}

fn unfit(refused: Refused) -> LibraryError {
    LibraryError::Refused(match refused {
        Refused::Findings(findings) => told(&findings),
        Refused::Busy(reason) => reason,
    })
}
