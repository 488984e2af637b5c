//! What is written of a version: its README, cases and icon, which refer to it and which it names by digest.

use host_core::{
    Digest,
    manifest::Manifest,
    package::{PackageVersion, Repository},
    ports::{ArtifactError, PackageError},
};

use super::Catalogue;
use crate::layout::{self, CaseFile, Descriptor, media, most};

/// What is written of a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The README, Markdown.
    pub readme: Option<String>,
    /// The icon, SVG.
    pub icon: Option<String>,
}

/// What explains a version, found and read.
pub(super) struct Found {
    /// The manifest that refers to it.
    pub(super) digest: Digest,
    pub(super) manifest: Manifest,
    pub(super) component: Digest,
    pub(super) readme: String,
    pub(super) cases: Vec<CaseFile>,
}

/// Why there is nothing to show or to run.
#[derive(Debug)]
pub(super) enum Lacking {
    /// It is not there yet.
    Waits(String),
    /// It does not hold.
    Wrong(String),
    /// It could not be read now.
    Failed(String),
}

impl From<PackageError> for Lacking {
    fn from(error: PackageError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<ArtifactError> for Lacking {
    fn from(error: ArtifactError) -> Self {
        match error {
            ArtifactError::TooLarge(most) => Self::Wrong(format!("a part of it has more than {most} bytes")),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl Catalogue {
    /// The README and the icon of a version, as far as they have come.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn written(&self, version: &PackageVersion) -> Result<Written, ArtifactError> {
        let Some(docs) = version.docs else { return Ok(Written::default()) };
        let manifest = self.artifacts.get(&docs, most::MANIFEST as u64).await?;
        // It was read when it was taken; what cannot be read any more is shown as nothing.
        let layers = layout::read_artifact(&manifest).map(|it| it.layers).unwrap_or_default();
        let readme = self.text(&layers, media::README, most::README).await?;
        Ok(Written { readme, icon: self.text(&layers, media::ICON, most::ICON).await? })
    }

    async fn text(&self, layers: &[Descriptor], kind: &str, most: u64) -> Result<Option<String>, ArtifactError> {
        let Some(layer) = layers.iter().find(|it| it.media_type == kind) else { return Ok(None) };
        let bytes = self.artifacts.get(&layer.digest, most).await?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// What explains a version that waits.
    pub(super) async fn find(&self, version: &PackageVersion) -> Result<Found, Lacking> {
        let repository = Repository::from(&version.id.package);
        let manifest = self.artifacts.get(&version.digest, most::MANIFEST as u64).await?;
        let package = layout::read(&manifest).map_err(|error| Lacking::Wrong(error.to_string()))?;
        let referrers = self.rows.referrers(&repository, &version.digest).await?;
        let mut wrong = None;
        // The newest that fits: somebody may have pushed another before.
        for referrer in referrers.iter().rev().filter(|it| it.artifact_type.as_deref() == Some(media::DOCS)) {
            let bytes = self.artifacts.get(&referrer.digest, most::MANIFEST as u64).await?;
            match layout::docs(&package, &bytes) {
                Ok(layers) => {
                    let (readme, cases) = self.read(&layers).await?;
                    let (digest, component) = (referrer.digest, package.component.digest);
                    return Ok(Found { digest, manifest: package.manifest, component, readme, cases });
                }
                Err(error) => wrong = Some(error.to_string()),
            }
        }
        Err(wrong.map_or_else(|| Lacking::Waits(super::WAITS.to_owned()), Lacking::Wrong))
    }

    async fn read(&self, layers: &[Descriptor]) -> Result<(String, Vec<CaseFile>), Lacking> {
        let waits = |what: &str| Lacking::Waits(format!("its {what} is not here yet"));
        let readme = self.text(layers, media::README, most::README).await?.ok_or_else(|| waits("README"))?;
        let layer = layers.iter().find(|it| it.media_type == media::CASES).ok_or_else(|| waits("cases"))?;
        let cases = self.artifacts.get(&layer.digest, most::CASES).await?;
        let cases = layout::read_cases(&cases).map_err(|error| Lacking::Wrong(error.to_string()))?;
        Ok((readme, cases))
    }
}
