//! The index of artifacts: what each step made, by which name, of which kind.

use std::collections::BTreeMap;

use host_core::{
    Digest, Name, RunId,
    artifact::{Artifact, Kind},
    page::{Page, PageRequest},
    run::{StepKey, StepOutput},
};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::{
    Store, StoreError,
    audit::{self, Deed},
    cursor, gc, projects,
    sql::{Arg, Row, Select, Tx, args, placeholders},
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

const INSERT: &str =
    "INSERT INTO artifact (id, digest, size, project, name, kind, media_type, metadata, run, step, created_at) VALUES";

const REPLACE: &str = "ON CONFLICT (run, step, name) DO UPDATE SET digest = excluded.digest, size = excluded.size, kind = excluded.kind, \
                       media_type = excluded.media_type, metadata = excluded.metadata, created_at = excluded.created_at";

/// How many rows one statement holds.
const ROWS: usize = 100;

/// Lists what a step made.
pub(crate) async fn insert_outputs(
    tx: &mut Tx,
    project: &Name,
    key: &StepKey,
    outputs: &[StepOutput],
    now: Timestamp,
) -> Result<(), StoreError> {
    gc::mention(tx, &outputs.iter().map(|it| it.digest).collect::<Vec<_>>()).await?;
    let mut rows: BTreeMap<&str, Vec<Arg>> = BTreeMap::new();
    for output in outputs {
        let artifact = Artifact {
            digest: output.digest,
            size: output.size,
            project: project.clone(),
            name: output.name.clone(),
            kind: output.kind,
            media_type: output.media_type.clone(),
            metadata: output.metadata.clone(),
            run: Some(key.run),
            step: Some(key.label()),
            created_at: now,
        };
        // By name, because one statement cannot write a row twice.
        rows.insert(&output.name, row(&artifact)?);
    }
    insert(tx, &rows.into_values().collect::<Vec<_>>()).await
}

async fn insert(tx: &mut Tx, rows: &[Vec<Arg>]) -> Result<(), StoreError> {
    for chunk in rows.chunks(ROWS) {
        let columns = chunk.first().map_or(0, Vec::len);
        tx.execute(placeholders(INSERT, chunk.len(), columns, REPLACE), chunk.concat()).await?;
    }
    Ok(())
}

fn row(artifact: &Artifact) -> Result<Vec<Arg>, StoreError> {
    Ok(args![
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
    ])
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
        gc::mention(&mut tx, &[artifact.digest]).await?;
        insert(&mut tx, &[row(artifact)?]).await?;
        let (who, details) = (audit::whoever(), json!({ "digest": artifact.digest, "kind": artifact.kind }));
        let deed = Deed { who: &who, action: "artifact.uploaded", project: &artifact.project, subject: &artifact.name };
        deed.record(&mut tx, artifact.created_at, details).await?;
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
