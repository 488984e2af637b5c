//! A project as one file: which rows of which tables belong to it, and how they come into another installation.

mod import;
mod rewrite;

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use host_core::{Digest, Name, ports::Artifacts as _};
use jiff::Timestamp;

use super::{Database, Kind, Manifest, Spool, Summary, TransferError, Where, tables_of};
use crate::{
    ArtifactStore, StoreError,
    backup::Bundle,
    blobs::Listed,
    sql::{Tx, args},
};

pub use import::{Target, import_project};

/// Which rows of a table belong to a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belongs {
    /// Those of the project.
    Always,
    /// Those of its runs, once they are over.
    WithRuns(&'static str),
    /// Those of its runs that are over, and those of no run.
    Artifacts,
    /// None: what happened on a host stays there, and secrets do.
    Never,
}

/// Runs that are over.
const RUNS: &str = "project = ? AND state <> 'running'";
/// What belongs to runs that are over.
const OF_RUNS: &str = "run IN (SELECT id FROM run WHERE project = ? AND state <> 'running')";

/// Every table, and whether it goes along. A test holds this to the schema.
pub(super) const TABLES: &[(&str, Belongs)] = &[
    ("function", Belongs::Always),
    ("revision", Belongs::Always),
    ("activation", Belongs::Always),
    ("provenance", Belongs::Always),
    ("route", Belongs::Always),
    ("model", Belongs::Always),
    ("model_version", Belongs::Always),
    ("model_alias", Belongs::Always),
    ("alias_move", Belongs::Always),
    ("endpoint", Belongs::Always),
    ("model_stream", Belongs::Always),
    ("standing_pipeline", Belongs::Always),
    ("run", Belongs::WithRuns(RUNS)),
    ("run_label", Belongs::WithRuns(OF_RUNS)),
    ("step", Belongs::WithRuns(OF_RUNS)),
    ("metric", Belongs::WithRuns(OF_RUNS)),
    ("artifact", Belongs::Artifacts),
    ("project", Belongs::Never),
    ("installation", Belongs::Never),
    ("generation", Belongs::Never),
    ("call", Belongs::Never),
    ("call_total", Belongs::Never),
    ("log_line", Belongs::Never),
    ("audit_event", Belongs::Never),
    ("platform_event", Belongs::Never),
    ("trigger_state", Belongs::Never),
    ("dead_letter", Belongs::Never),
    ("schedule", Belongs::Never),
    ("firing", Belongs::Never),
    ("token", Belongs::Never),
    ("secret", Belongs::Never),
    ("secret_key", Belongs::Never),
    ("idempotency", Belongs::Never),
    ("keyvalue", Belongs::Never),
    ("pinned_url", Belongs::Never),
    ("stored_bytes", Belongs::Never),
    ("trust", Belongs::Never),
    ("trusted_key", Belongs::Never),
    ("namespace", Belongs::Never),
    ("namespace_owner", Belongs::Never),
    ("registry_blob", Belongs::Never),
    ("registry_manifest", Belongs::Never),
    ("registry_part", Belongs::Never),
    ("registry_tag", Belongs::Never),
    ("package", Belongs::Never),
    ("package_version", Belongs::Never),
];

/// Whether rows of a table go along; a table nobody thought of does not.
pub(super) fn belongs(table: &str) -> Belongs {
    TABLES.iter().find(|(name, _)| *name == table).map_or(Belongs::Never, |(_, belongs)| *belongs)
}

/// The rows of a table that go along, if any do.
pub(super) fn rows_of(table: &str, project: &Name, with_runs: bool) -> Option<Where> {
    let condition = match (belongs(table), with_runs) {
        (Belongs::Always, _) => "project = ?".to_owned(),
        (Belongs::WithRuns(condition), true) => condition.to_owned(),
        (Belongs::Artifacts, true) => {
            return Some(Where {
                condition: Some(format!("project = $1 AND (run IS NULL OR {})", OF_RUNS.replace('?', "$2"))),
                args: args![project, project],
            });
        }
        (Belongs::Artifacts, false) => "project = ? AND run IS NULL".to_owned(),
        (Belongs::WithRuns(_), false) | (Belongs::Never, _) => return None,
    };
    Some(Where { condition: Some(condition.replace('?', "$1")), args: args![project] })
}

/// What goes into a project's file.
pub struct ProjectParts<'a> {
    /// The database.
    pub database: &'a Database,
    /// The bytes.
    pub artifacts: ArtifactStore,
    /// The project.
    pub project: Name,
    /// Whether its runs go along, with what they made.
    pub with_runs: bool,
    /// The release that writes it.
    pub release: &'a str,
    /// When.
    pub now: Timestamp,
}

/// A project about to be written to a file.
pub struct ProjectExport {
    bundle: Bundle,
}

impl ProjectExport {
    /// Reads the project in one snapshot.
    ///
    /// # Errors
    /// When there is no such project, or a store does not answer.
    pub async fn prepare(parts: ProjectParts<'_>) -> Result<Self, TransferError> {
        let mut tx = parts.database.db.snapshot().await?;
        let there = tx.row("SELECT name FROM project WHERE name = $1", args![&parts.project]).await?;
        if there.is_none() {
            return Err(StoreError::NotFound(format!("project `{}`", parts.project)).into());
        }
        let mut spool = Spool::new()?;
        for table in tables_of(&mut tx).await? {
            if let Some(rows) = rows_of(&table.name, &parts.project, parts.with_runs) {
                spool.add(&mut tx, &table, &rows).await?;
            }
        }
        let secrets = secrets(&mut tx, &parts.project).await?;
        drop(tx);
        let schema = parts.database.schema().await?;
        let mut manifest = Manifest::new(Kind::Project, parts.release, schema, parts.now);
        manifest.project = Some(parts.project);
        manifest.secrets = secrets;
        let listed = found(&parts.artifacts, mentioned(&spool)?).await?;
        Ok(Self { bundle: Bundle::new(manifest, spool, Some((parts.artifacts, listed)), None) })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When it cannot be written, or an artifact is damaged.
    pub async fn write<W: std::io::Write + Send + 'static>(self, out: W) -> Result<Summary, TransferError> {
        self.bundle.write(out).await
    }
}

/// The names of the project's secrets: whoever imports it has to set them.
async fn secrets(tx: &mut Tx, project: &Name) -> Result<Vec<String>, StoreError> {
    let names = "SELECT name FROM secret WHERE project = $1 AND sealed IS NOT NULL ORDER BY name";
    tx.rows(names, args![project]).await?.iter().map(|row| row.get("name")).collect()
}

/// Every digest that a row speaks of: components, models, inputs and outputs, wherever they stand.
fn mentioned(spool: &Spool) -> Result<BTreeSet<Digest>, TransferError> {
    let mut digests = BTreeSet::new();
    for table in &spool.tables {
        let path = spool.path(&table.table);
        let mut file = std::fs::File::open(&path).map_err(|error| TransferError::file(path.display(), &error))?;
        crate::backup::each_line(&mut file, |line| {
            digests.extend(rewrite::digests(line));
            Ok(())
        })?;
    }
    Ok(digests)
}

/// Those that are stored: not every digest is one of an artifact.
async fn found(artifacts: &ArtifactStore, digests: BTreeSet<Digest>) -> Result<Vec<Listed>, TransferError> {
    let sizes = stream::iter(digests).map(|digest| async move {
        let size = artifacts.size(&digest).await?;
        Ok::<_, TransferError>(size.map(|size| Listed { digest, size, written_at: Timestamp::UNIX_EPOCH }))
    });
    sizes.buffered(8).try_filter_map(|it| async move { Ok(it) }).try_collect().await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use host_core::clock::SystemClock;

    use super::*;
    use crate::Store;

    #[tokio::test]
    async fn every_table_of_the_schema_says_whether_it_goes_along() {
        let store = Store::memory(Arc::new(SystemClock)).await.unwrap();
        let mut tx = store.db().snapshot().await.unwrap();
        let tables: Vec<String> = tables_of(&mut tx).await.unwrap().into_iter().map(|it| it.name).collect();
        let unsaid: Vec<_> = tables.iter().filter(|it| !TABLES.iter().any(|(name, _)| name == it)).collect();
        assert!(unsaid.is_empty(), "say in TABLES whether rows of {unsaid:?} belong to an exported project");
        let gone: Vec<_> = TABLES.iter().filter(|(name, _)| !tables.iter().any(|it| it == name)).collect();
        assert!(gone.is_empty(), "{gone:?} are no tables any more");
    }
}
