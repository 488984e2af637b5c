//! The index of artifacts: what each step made, by which name, of which kind.

use host_core::{
    Digest, Name, RunId,
    artifact::{Artifact, Kind},
    page::{Page, PageRequest},
    run::{StepKey, StepOutput},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Store, StoreError, cursor, projects,
    sql::{Row, Select, Tx, args},
    text,
};

/// Which artifacts are listed.
#[derive(Debug, Clone, Default)]
pub struct ArtifactFilter {
    /// Only those of this kind.
    pub kind: Option<Kind>,
    /// Only those of this run.
    pub run: Option<RunId>,
    /// Only those of this name.
    pub name: Option<String>,
    /// Only these bytes.
    pub digest: Option<Digest>,
}

const INSERT: &str = "INSERT INTO artifact (id, digest, size, project, name, kind, media_type, metadata, run, step, created_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (run, step, name) DO UPDATE SET \
                      digest = excluded.digest, size = excluded.size, kind = excluded.kind, media_type = excluded.media_type, \
                      metadata = excluded.metadata, created_at = excluded.created_at";

/// Lists what a step made.
pub(crate) async fn insert_outputs(
    tx: &mut Tx,
    project: &Name,
    key: &StepKey,
    outputs: &[StepOutput],
    now: Timestamp,
) -> Result<(), StoreError> {
    for output in outputs {
        let args = args![
            Uuid::now_v7().to_string(),
            output.digest,
            output.size,
            project,
            output.name.as_str(),
            output.kind.as_str(),
            output.media_type.as_deref(),
            text::json(&output.metadata)?,
            key.run,
            key.label(),
            now,
        ];
        tx.execute(INSERT, args).await?;
    }
    Ok(())
}

/// Takes what a step or a trial made from the list; the bytes stay.
pub(crate) async fn forget_outputs(tx: &mut Tx, key: &StepKey) -> Result<(), StoreError> {
    tx.execute("DELETE FROM artifact WHERE run = $1 AND step = $2", args![key.run, key.label()]).await.map(drop)
}

/// Takes what any trial of a step made from the list.
pub(crate) async fn forget_trials(tx: &mut Tx, run: RunId, step: &str) -> Result<(), StoreError> {
    // Not LIKE: names of steps may hold what it takes for a wildcard.
    let prefix = format!("{step}#");
    let length = prefix.chars().count() as u64;
    let delete = "DELETE FROM artifact WHERE run = $1 AND SUBSTR(step, 1, CAST($2 AS INTEGER)) = $3";
    tx.execute(delete, args![run, length, prefix]).await.map(drop)
}

const START: &str = "SELECT id, digest, size, project, name, kind, media_type, metadata, run, step, created_at FROM artifact WHERE project = ?";

impl Store {
    /// Artifacts of a project, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn artifacts(
        &self,
        project: &Name,
        filter: &ArtifactFilter,
        page: &PageRequest,
    ) -> Result<Page<Artifact>, StoreError> {
        let select = Select::new(START, args![project])
            .when("kind = ?", filter.kind.map(Kind::as_str))
            .when("run = ?", filter.run)
            .when("name = ?", filter.name.as_deref())
            .when("digest = ?", filter.digest);
        let select = cursor::newest(select, page, "(created_at, id) < (?, ?)")?;
        let (sql, args) = select.end("ORDER BY created_at DESC, id DESC LIMIT ?", vec![cursor::one_more(page)]);
        let rows = self.db().rows(sql, args).await?;
        let read = |row: &Row| Ok((row.get::<String>("id")?, read(row)?));
        let page = cursor::page(rows, page, read, |(id, it)| cursor::Place::write(it.created_at, id))?;
        Ok(page.map(|(_, artifact)| artifact))
    }

    /// What is known of these bytes in a project: what was last said of them.
    ///
    /// # Errors
    /// When no artifact of the project has them.
    pub async fn artifact(&self, project: &Name, digest: &Digest) -> Result<Artifact, StoreError> {
        let select = Select::new(START, args![project]).and("digest = ?", args![digest]);
        let (sql, args) = select.end("ORDER BY created_at DESC, id DESC LIMIT 1", vec![]);
        let row = self.db().row(sql, args).await?;
        read(&row.ok_or_else(|| StoreError::NotFound(format!("artifact {digest}")))?)
    }

    /// Lists bytes that no run made, such as an upload.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_artifact(&self, artifact: &Artifact) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        projects::ensure(&mut tx, &artifact.project, artifact.created_at).await?;
        let args = args![
            Uuid::now_v7().to_string(),
            artifact.digest,
            artifact.size,
            &artifact.project,
            artifact.name.as_str(),
            artifact.kind.as_str(),
            artifact.media_type.as_deref(),
            text::json(&artifact.metadata)?,
            artifact.run,
            artifact.step.as_deref(),
            artifact.created_at,
        ];
        tx.execute(INSERT, args).await?;
        tx.commit().await
    }
}

fn read(row: &Row) -> Result<Artifact, StoreError> {
    Ok(Artifact {
        digest: row.get("digest")?,
        size: row.get("size")?,
        project: row.get("project")?,
        name: row.get("name")?,
        kind: row.word("kind")?,
        media_type: row.get("media_type")?,
        metadata: row.json("metadata")?,
        run: row.get("run")?,
        step: row.get("step")?,
        created_at: row.get("created_at")?,
    })
}
