//! Takes the rows away, each looked at once more in the transaction that does.

use std::collections::HashSet;

use host_core::{Digest, RunId};
use jiff::Timestamp;

use super::{
    Moments, Policy, Report, SKEW, keeper,
    mark::{self, Needed},
    plan::{DoomedRevision, DoomedUpload, Plan},
    policy::span,
};
use crate::{
    Store, StoreError,
    sql::{Tx, args},
};

/// How many rows go in one transaction, so that nobody waits long for the writer.
const AT_ONCE: u64 = 2_000;

/// Takes away what the plan lets go; returns what is needed by everything that is left.
pub(super) async fn rows(
    store: &Store,
    plan: &Plan,
    policy: &Policy,
    moments: Moments,
    report: &mut Report,
) -> Result<HashSet<Digest>, StoreError> {
    let mut needed = Needed { digests: plan.needed.clone(), ..Needed::default() };
    let mut stayed = HashSet::new();
    let ended =
        policy.keep_runs.map_or(Timestamp::MAX, |age| moments.now.checked_sub(span(age)).unwrap_or(Timestamp::MIN));
    for run in &plan.runs {
        if Box::pin(delete_run(store, run.id, ended)).await? {
            report.runs.add(run.item.clone());
        } else {
            stayed.insert(run.id);
        }
    }
    for revision in &plan.revisions {
        if Box::pin(delete_revision(store, revision, moments)).await? {
            report.revisions.add(revision.item.clone());
        } else {
            needed.digests.insert(revision.component);
        }
    }
    for upload in &plan.uploads {
        if Box::pin(delete_upload(store, upload, moments)).await? {
            report.uploads.add(upload.item.clone());
        } else {
            needed.digests.insert(upload.digest);
        }
    }
    Box::pin(mark::survivors(store, &mut needed, &stayed)).await?;
    Box::pin(forget_blobs(store, moments)).await?;
    Ok(needed.digests)
}

/// Forgets what was pushed to the registry long ago and no manifest came to name. The bytes go the next time.
async fn forget_blobs(store: &Store, moments: Moments) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    keeper::alone(&mut tx).await?;
    let delete = "DELETE FROM registry_blob WHERE created_at < $1 AND NOT EXISTS (SELECT 1 FROM registry_part p \
                  WHERE p.repository = registry_blob.repository AND p.part = registry_blob.digest)";
    tx.execute(delete, args![moments.cutoff]).await?;
    tx.commit().await
}

/// A run, and before it what there may be thousands of. One that runs again meanwhile stays.
async fn delete_run(store: &Store, run: RunId, ended: Timestamp) -> Result<bool, StoreError> {
    macro_rules! held {
        ($lock:literal) => {
            concat!(
                "SELECT id FROM run r WHERE id = $1 AND state <> 'running' AND finished_at < $2 ",
                "AND NOT EXISTS (SELECT 1 FROM model_version v WHERE v.run = r.id AND v.retired_at IS NULL) ",
                "AND NOT EXISTS (SELECT 1 FROM run_label l WHERE l.run = r.id AND l.label = 'keep')",
                $lock
            )
        };
    }
    loop {
        let mut tx = store.begin().await?;
        let held = if tx.is_postgres() { held!(" FOR UPDATE OF r") } else { held!("") };
        if tx.row(held, args![run, ended]).await?.is_none() {
            return Ok(false);
        }
        let metrics = "DELETE FROM metric WHERE id IN (SELECT id FROM metric WHERE run = $1 LIMIT $2)";
        let most = tx.execute(metrics, args![run, AT_ONCE]).await? < AT_ONCE;
        if most {
            tx.execute("DELETE FROM run WHERE id = $1", args![run]).await?;
        }
        tx.commit().await?;
        if most {
            return Ok(true);
        }
    }
}

/// A revision and when it answered. One that was activated, or that a run wants, meanwhile stays.
async fn delete_revision(store: &Store, revision: &DoomedRevision, moments: Moments) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    // An update, so that it cannot be activated before this is over. The function first and then the names of bytes, as
    // whoever adds a revision does.
    let hold =
        "UPDATE function SET active = active WHERE project = $1 AND name = $2 AND (active IS NULL OR active <> $3)";
    let is_idle =
        tx.execute(hold, args![revision.project.as_str(), revision.function.as_str(), revision.id]).await? == 1;
    keeper::alone(&mut tx).await?;
    if !is_idle || is_pinned(&mut tx, revision, moments).await? {
        return Ok(false);
    }
    tx.execute("DELETE FROM activation WHERE revision = $1", args![revision.id]).await?;
    tx.execute("DELETE FROM provenance WHERE revision = $1", args![revision.id]).await?;
    tx.execute("DELETE FROM revision WHERE id = $1", args![revision.id]).await?;
    tx.commit().await?;
    Ok(true)
}

/// Whether a run that was submitted since the plan was made wants the revision. Nobody submits meanwhile.
async fn is_pinned(tx: &mut Tx, revision: &DoomedRevision, moments: Moments) -> Result<bool, StoreError> {
    let since = moments.now.checked_sub(SKEW).unwrap_or(Timestamp::MIN);
    let newest = "SELECT spec FROM run WHERE project = $1 AND created_at >= $2";
    let id = revision.id.to_string();
    let rows = tx.rows(newest, args![revision.project.as_str(), since]).await?;
    rows.iter().try_fold(false, |found, row| Ok(found || row.get::<String>("spec")?.contains(&id)))
}

/// An upload, as it is listed. One whose bytes somebody wants meanwhile stays.
async fn delete_upload(store: &Store, upload: &DoomedUpload, moments: Moments) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    keeper::alone(&mut tx).await?;
    let delete = "DELETE FROM artifact WHERE id = $1 AND run IS NULL AND NOT EXISTS \
                  (SELECT 1 FROM stored_bytes b WHERE b.digest = artifact.digest AND b.wanted_at >= $2)";
    let gone = tx.execute(delete, args![upload.id.as_str(), moments.now]).await? == 1;
    tx.commit().await?;
    Ok(gone)
}
