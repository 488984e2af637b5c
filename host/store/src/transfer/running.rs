//! What a running host is asked for: a backup of itself, a project as a file, a file as a project.

use std::io::Write as _;

use futures_util::TryStreamExt as _;
use host_core::{
    Name,
    ports::{ArtifactError, ArtifactStream},
};

use super::{Database, ImportTarget, ProjectExport, ProjectParts, Summary, TransferError, import_project};
use crate::{ArtifactStore, Backup, BackupParts, Store};

/// Whether the bytes of artifacts go along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bytes {
    /// They do.
    Along,
    /// They stay, because somebody else keeps them.
    Stay,
}

impl Store {
    /// Reads everything for a backup, as it is at one moment.
    ///
    /// # Errors
    /// When a store does not answer.
    pub async fn backup(&self, bytes: Bytes, release: &str) -> Result<Backup, TransferError> {
        let artifacts = match bytes {
            Bytes::Along => Some(self.artifact_store_at_hand()?),
            Bytes::Stay => None,
        };
        let now = self.db().now().await?;
        let database = Database::of(self);
        Backup::prepare(BackupParts { database: &database, artifacts, key: None, release, now }).await
    }

    /// Reads everything that belongs to a project, as it is at one moment.
    ///
    /// # Errors
    /// When there is no such project, or a store does not answer.
    pub async fn export(&self, project: Name, with_runs: bool, release: &str) -> Result<ProjectExport, TransferError> {
        let now = self.db().now().await?;
        let (database, artifacts) = (Database::of(self), self.artifact_store_at_hand()?);
        ProjectExport::prepare(ProjectParts { database: &database, artifacts, project, with_runs, release, now }).await
    }

    /// Makes a project of a file that [`Store::export`] gave, under its own name or another.
    ///
    /// # Errors
    /// When the file is not what it says, or the project is there already; nothing is kept then.
    pub async fn import(
        &self,
        mut file: ArtifactStream,
        most: u64,
        name: Option<Name>,
        who: &str,
    ) -> Result<Summary, TransferError> {
        let failed = |error: std::io::Error| TransferError::file("a temporary file", &error);
        let mut archive = tempfile::NamedTempFile::new().map_err(failed)?;
        let mut size = 0u64;
        while let Some(piece) = file.try_next().await? {
            size = size.saturating_add(piece.len() as u64);
            if size > most {
                return Err(ArtifactError::TooLarge(most).into());
            }
            archive.write_all(&piece).map_err(failed)?;
        }
        archive.flush().map_err(failed)?;
        let target =
            ImportTarget { store: self.clone(), artifacts: self.artifact_store_at_hand()?, name, who: who.to_owned() };
        import_project(archive.path().to_owned(), target).await
    }

    fn artifact_store_at_hand(&self) -> Result<ArtifactStore, TransferError> {
        let at_hand = self.artifacts_at_hand().cloned();
        at_hand.ok_or_else(|| TransferError::file("the artifact store", &"this host has none"))
    }
}
