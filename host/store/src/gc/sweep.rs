//! Takes bytes away that nothing names: listed, condemned group by group in a transaction, then deleted.

use std::{collections::HashSet, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use host_core::{Digest, ports::ArtifactError};
use jiff::Timestamp;

use super::{
    GcError, Moments, Report,
    keeper::{self, STALE, among_after, digest_args},
    plan::Plan,
    report::Item,
};
use crate::{
    ArtifactStore, Store, StoreError,
    blobs::{Listed, in_groups},
    sql::{Tx, args},
};

/// How many are listed, condemned and deleted together.
const GROUP: usize = 100;
/// How many are deleted side by side.
const PARALLEL: usize = 8;
/// How long the deletion of one group may take: well before its condemnation counts as that of a process that is gone.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Sorts everything that is stored, and takes away what goes where the report says that it is applied.
pub(super) async fn bytes(
    store: &Store,
    artifacts: &ArtifactStore,
    plan: &Plan,
    needed: &HashSet<Digest>,
    moments: Moments,
    report: &mut Report,
) -> Result<(), GcError> {
    let wanted = wanted_lately(store, moments.cutoff).await?;
    let mut groups = std::pin::pin!(in_groups(artifacts.everything(), GROUP));
    while let Some(group) = groups.try_next().await? {
        let mut going = Vec::new();
        for listed in group {
            if needed.contains(&listed.digest) {
                report.kept.add(listed.size);
            } else if listed.written_at >= moments.cutoff || wanted.contains(&listed.digest) {
                report.young.add(listed.size);
            } else {
                going.push(listed);
            }
        }
        if report.applied && !going.is_empty() {
            going = Box::pin(take_away(store, artifacts, going, moments)).await?;
        }
        for listed in going {
            let why =
                if plan.doomed.contains(&listed.digest) { "only what goes needed it" } else { "nothing names it" };
            let (id, bytes) = (listed.digest.to_string(), listed.size);
            report.artifacts.add(Item { id, what: "artifact".into(), why, bytes });
        }
    }
    Ok(())
}

async fn wanted_lately(store: &Store, cutoff: Timestamp) -> Result<HashSet<Digest>, StoreError> {
    let rows = store.db().rows("SELECT digest FROM stored_bytes WHERE wanted_at >= $1", args![cutoff]).await?;
    rows.iter().map(|row| row.get("digest")).collect()
}

/// Condemns and deletes; returns what went.
async fn take_away(
    store: &Store,
    artifacts: &ArtifactStore,
    going: Vec<Listed>,
    moments: Moments,
) -> Result<Vec<Listed>, GcError> {
    let (going, at) = Box::pin(condemn(store, going, moments)).await?;
    let digests: Vec<Digest> = going.iter().map(|it| it.digest).collect();
    let deleting = stream::iter(digests).map(|digest| async move { (digest, artifacts.remove(&digest).await) });
    let deleting = deleting.buffer_unordered(PARALLEL).collect::<Vec<_>>();
    let Ok(outcomes) = tokio::time::timeout(LONGEST, deleting).await else {
        return Err(ArtifactError::Storage("deleting takes too long; the rest goes the next time".into()).into());
    };
    // Also where it failed: whether the bytes are there is not known, so that nobody may count on them.
    Box::pin(removed(store, &going, at)).await?;
    let mut failed = HashSet::new();
    for (digest, outcome) in outcomes {
        if let Err(error) = outcome {
            tracing::warn!(%digest, %error, "bytes that nothing needs could not be deleted");
            failed.insert(digest);
        }
    }
    Ok(going.into_iter().filter(|it| !failed.contains(&it.digest)).collect())
}

/// Those of `going` that nobody came to need meanwhile. From here on nobody may name them before they are stored anew.
async fn condemn(
    store: &Store,
    mut going: Vec<Listed>,
    moments: Moments,
) -> Result<(Vec<Listed>, Timestamp), StoreError> {
    let mut tx = store.begin().await?;
    keeper::alone(&mut tx).await?;
    let now = tx.now().await?;
    let digests: Vec<Digest> = going.iter().map(|it| it.digest).collect();
    let needed = needed_now(&mut tx, &digests, moments.cutoff, now).await?;
    going.retain(|it| !needed.contains(&it.digest));
    for listed in &going {
        // Long ago, so that only being wanted anew counts.
        let insert = "INSERT INTO stored_bytes (digest, wanted_at, condemned_at) VALUES ($1, 0, $2) \
                      ON CONFLICT (digest) DO UPDATE SET condemned_at = excluded.condemned_at, removed_at = NULL";
        tx.execute(insert, args![listed.digest, now]).await?;
    }
    tx.commit().await?;
    Ok((going, now))
}

/// Where bytes are named that can be looked up; what names them elsewhere has noted that it wants them.
const NAMED: [&str; 6] = [
    "SELECT digest FROM artifact WHERE digest IN",
    "SELECT bytes AS digest FROM pinned_url WHERE bytes IN",
    "SELECT component AS digest FROM revision WHERE component IN",
    "SELECT digest FROM model_version WHERE retired_at IS NULL AND digest IN",
    "SELECT digest FROM registry_blob WHERE digest IN",
    "SELECT digest FROM registry_manifest WHERE digest IN",
];

async fn needed_now(
    tx: &mut Tx,
    digests: &[Digest],
    cutoff: Timestamp,
    now: Timestamp,
) -> Result<HashSet<Digest>, StoreError> {
    let mut needed = HashSet::new();
    for start in NAMED {
        for row in tx.rows(among_after(start, 0, digests.len()), digest_args(digests)).await? {
            needed.insert(row.get("digest")?);
        }
    }
    // Wanted lately, or being taken away by somebody else this very moment.
    let busy = "SELECT digest FROM stored_bytes WHERE (wanted_at >= $1 OR (removed_at IS NULL AND condemned_at >= $2)) AND digest IN";
    let stale = now.checked_sub(STALE).unwrap_or(Timestamp::MIN);
    let mut all = args![cutoff, stale];
    all.extend(digest_args(digests));
    for row in tx.rows(among_after(busy, 2, digests.len()), all).await? {
        needed.insert(row.get("digest")?);
    }
    Ok(needed)
}

async fn removed(store: &Store, gone: &[Listed], at: Timestamp) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    for listed in gone {
        let update = "UPDATE stored_bytes SET removed_at = $1 WHERE digest = $2 AND condemned_at = $3";
        tx.execute(update, args![now, listed.digest, at]).await?;
    }
    tx.commit().await
}
