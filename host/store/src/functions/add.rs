//! Makes a revision, or finds the one that has the same component and manifest.

use std::sync::Arc;

use host_core::{Digest, RevisionId, function::Revision, ports::NewRevision};

use serde_json::json;

use super::{read, select_revision};
use crate::{
    Store, StoreError,
    audit::Deed,
    gc, projects,
    sql::{Tx, args},
    text,
};

pub(super) async fn add(store: &Store, new: &NewRevision) -> Result<Arc<Revision>, StoreError> {
    let manifest = text::json(&new.manifest)?;
    let manifest_digest = Digest::of(manifest.as_bytes());
    let function = &new.manifest.name;
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    projects::ensure(&mut tx, &new.project, now).await?;
    // Written even where it is there, to hold the row: two hosts never give out the same number.
    let ensure = "INSERT INTO function (project, name, created_at) VALUES ($1, $2, $3) \
                  ON CONFLICT (project, name) DO UPDATE SET name = excluded.name";
    tx.execute(ensure, args![&new.project, function, now]).await?;
    let same =
        select_revision!("WHERE r.project = $1 AND r.function = $2 AND r.component = $3 AND r.manifest_digest = $4");
    if let Some(row) = tx.row(same, args![&new.project, function, new.component, manifest_digest]).await? {
        return read(&row);
    }
    gc::mention(&mut tx, &[new.component]).await?;
    let revision = Revision {
        id: RevisionId::next(),
        project: new.project.clone(),
        function: function.clone(),
        number: next_number(&mut tx, new).await?,
        component: new.component,
        component_size: new.component_size,
        manifest: new.manifest.clone(),
        entries: new.entries,
        created_by: new.created_by.clone(),
        created_at: now,
    };
    write(&mut tx, &revision, manifest, manifest_digest).await?;
    let details = json!({ "revision": revision.id, "number": revision.number, "component": revision.component });
    let (who, project) = (new.created_by.as_str(), &new.project);
    let deed = Deed { who, action: "revision.added", project, subject: function.as_str() };
    deed.record(&mut tx, now, details).await?;
    tx.commit().await?;
    Ok(Arc::new(revision))
}

async fn next_number(tx: &mut Tx, new: &NewRevision) -> Result<u64, StoreError> {
    let last = "SELECT COALESCE(MAX(number), 0) AS number FROM revision WHERE project = $1 AND function = $2";
    let row = tx.row(last, args![&new.project, &new.manifest.name]).await?;
    Ok(row.map_or(Ok(0), |row| row.get::<u64>("number"))? + 1)
}

async fn write(tx: &mut Tx, revision: &Revision, manifest: String, manifest_digest: Digest) -> Result<(), StoreError> {
    let insert = "INSERT INTO revision (id, project, function, number, component, component_size, manifest, manifest_digest, \
                  entries, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let args = args![
        revision.id,
        &revision.project,
        &revision.function,
        revision.number,
        revision.component,
        revision.component_size,
        manifest,
        manifest_digest,
        text::json(&revision.entries)?,
        revision.created_by.as_str(),
        revision.created_at,
    ];
    tx.execute(insert, args).await.map(drop)
}
