//! Keeps those who store and name bytes, and those who take them away, from crossing each other.
//!
//! Whoever names bytes in a row shares a lock for the length of that transaction; whoever condemns bytes has it alone.
//! So a name is either seen by the one who condemns, or refused.

use std::{collections::BTreeSet, time::Duration};

use host_core::{Digest, run::NewRun};
use jiff::{SignedDuration, Timestamp};
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use super::mark::digests_in;
use crate::{
    StoreError,
    sql::{Arg, Db, Tx, args, placeholders},
    text,
};

/// A condemnation that is older than this is of a process that is gone.
pub(super) const STALE: SignedDuration = SignedDuration::from_hours(1);
/// How often it is looked whether bytes are gone that are being taken away, and how long between.
const LOOKS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);
/// How many digests one statement holds.
const AT_ONCE: usize = 100;
/// The name of the lock on Postgres; SQLite has one writer anyway.
const LOCK: &str = "SELECT pg_advisory_xact_lock(923561)";
const SHARED_LOCK: &str = "SELECT pg_advisory_xact_lock_shared(923561)";

/// What became of bytes that were there a moment ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// They stay.
    Still,
    /// They were taken away, or may have been: they are to be stored anew.
    Gone,
}

enum State {
    Kept(Kept),
    BeingRemoved,
}

/// Asks the database before bytes count as stored.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    db: Db,
}

impl Keeper {
    pub(crate) fn new(db: Db) -> Self {
        Self { db }
    }

    /// Ends what an earlier process left half done, where there can be no other at it.
    pub(crate) async fn recover(&self) -> Result<(), StoreError> {
        if self.db.is_postgres() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let now = tx.now().await?;
        // Nobody knows which of them are gone, so that all count as such.
        let update = "UPDATE stored_bytes SET removed_at = $1 WHERE condemned_at IS NOT NULL AND removed_at IS NULL";
        tx.execute(update, args![now]).await?;
        tx.commit().await
    }

    /// Notes that bytes which are there are wanted. Where they are being taken away, waits until that is over.
    pub(crate) async fn renew(&self, digest: &Digest) -> Result<Kept, StoreError> {
        for _ in 0..LOOKS {
            match self.look(digest).await? {
                State::Kept(kept) => return Ok(kept),
                State::BeingRemoved => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(StoreError::Busy(format!("artifact {digest} is being taken away")))
    }

    /// Whether nothing is on record of these bytes.
    pub(crate) async fn is_unknown(&self, digest: &Digest) -> Result<bool, StoreError> {
        let row = self.db.row("SELECT digest FROM stored_bytes WHERE digest = $1", args![digest]).await?;
        Ok(row.is_none())
    }

    async fn look(&self, digest: &Digest) -> Result<State, StoreError> {
        let mut tx = self.db.begin().await?;
        share(&mut tx).await?;
        let now = tx.now().await?;
        let row = tx.row("SELECT condemned_at, removed_at FROM stored_bytes WHERE digest = $1", args![digest]).await?;
        let (condemned, removed): (Option<Timestamp>, Option<Timestamp>) = match row {
            Some(row) => (row.get("condemned_at")?, row.get("removed_at")?),
            None => (None, None),
        };
        if condemned.is_some_and(|at| removed.is_none() && !is_stale(at, now)) {
            return Ok(State::BeingRemoved);
        }
        write_wanted(&mut tx, &[*digest], now).await?;
        tx.commit().await?;
        Ok(State::Kept(if condemned.is_some() { Kept::Gone } else { Kept::Still }))
    }
}

pub(super) fn is_stale(condemned: Timestamp, now: Timestamp) -> bool {
    now.duration_since(condemned) > STALE
}

/// Makes others who name or condemn bytes wait for one another, and not for those of their own kind.
async fn share(tx: &mut Tx) -> Result<(), StoreError> {
    if tx.is_postgres() {
        tx.execute(SHARED_LOCK, vec![]).await?;
    }
    Ok(())
}

/// Until the end of this transaction nobody names bytes.
pub(super) async fn alone(tx: &mut Tx) -> Result<(), StoreError> {
    if tx.is_postgres() {
        tx.execute(LOCK, vec![]).await?;
    }
    Ok(())
}

/// Asked by whoever writes the names of bytes into rows that are looked up by digest.
///
/// # Errors
/// When they were taken away.
pub(crate) async fn mention(tx: &mut Tx, digests: &[Digest]) -> Result<(), StoreError> {
    if digests.is_empty() {
        return Ok(());
    }
    share(tx).await?;
    for group in digests.chunks(AT_ONCE) {
        let gone = "SELECT digest FROM stored_bytes WHERE condemned_at IS NOT NULL AND digest IN";
        let gone = among_after(gone, 0, group.len());
        if let Some(row) = tx.row(gone, digest_args(group)).await? {
            let digest: Digest = row.get("digest")?;
            return Err(StoreError::Busy(format!("artifact {digest} was taken away by `gc`; store it again")));
        }
    }
    Ok(())
}

/// Asked by whoever submits a run. What can be looked up in rows of its own is only looked for; artifacts that the run
/// names by digest, and pinned versions, which may be retired, count as wanted from now on.
///
/// # Errors
/// When any of them was taken away.
pub(crate) async fn refer(tx: &mut Tx, run: &NewRun, now: Timestamp) -> Result<(), StoreError> {
    let mut named: BTreeSet<Digest> = digests_in(&text::json(&run.pipeline)?).collect();
    named.extend(digests_in(&text::json(&run.params)?));
    named.extend(run.pins.models.values().map(|it| it.digest));
    let named: Vec<Digest> = named.into_iter().collect();
    let mut all: Vec<Digest> = run.pins.functions.values().map(|it| it.component).collect();
    all.extend(&named);
    mention(tx, &all).await?;
    write_wanted(tx, &named, now).await
}

async fn write_wanted(tx: &mut Tx, digests: &[Digest], now: Timestamp) -> Result<(), StoreError> {
    for group in digests.chunks(AT_ONCE) {
        let rows: Vec<Arg> = group.iter().flat_map(|digest| args![digest, now]).collect();
        let insert = placeholders(
            "INSERT INTO stored_bytes (digest, wanted_at) VALUES",
            group.len(),
            2,
            "ON CONFLICT (digest) DO UPDATE SET wanted_at = excluded.wanted_at, condemned_at = NULL, removed_at = NULL",
        );
        tx.execute(insert, rows).await?;
    }
    Ok(())
}

/// `start ($3, $4, …)`, after so many values before the list.
pub(super) fn among_after(start: &'static str, before: usize, count: usize) -> SqlStr {
    let list: Vec<String> = (before + 1..=before + count).map(|number| format!("${number}")).collect();
    AssertSqlSafe(format!("{start} ({})", list.join(", "))).into_sql_str()
}

pub(super) fn digest_args(digests: &[Digest]) -> Vec<Arg> {
    digests.iter().map(Arg::from).collect()
}
