//! How many dead letters are kept, and for how long: what is old goes, and the oldest of too many.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use host_core::Name;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Store, StoreError,
    sql::{Arg, Db, args},
};

/// How many rows go in one transaction, so that nobody waits long for the writer.
const AT_ONCE: i64 = 1_000;

/// How many letters are kept, and for how long.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// For ever, when absent.
    keep: Option<Duration>,
    /// Of one project.
    most: u64,
    /// Bytes of one project.
    most_bytes: u64,
    /// How many came since they were last counted.
    new: AtomicU64,
    /// How many bytes.
    new_bytes: AtomicU64,
}

impl Bounds {
    pub(crate) fn of(config: &Config) -> Self {
        let keep = config.keep_letters.map(|it| it.duration());
        let (most, most_bytes) = (config.most_letters.max(1), config.letters_size.0.max(1));
        Self { keep, most, most_bytes, new: AtomicU64::new(0), new_bytes: AtomicU64::new(0) }
    }

    /// Whether so many came that it is time to count.
    fn is_time(&self, count: u64, bytes: u64) -> bool {
        let is_much = |new: &AtomicU64, more: u64, most: u64| new.fetch_add(more, Ordering::Relaxed) + more > most / 10;
        let (many, large) = (is_much(&self.new, count, self.most), is_much(&self.new_bytes, bytes, self.most_bytes));
        if many || large {
            self.new.store(0, Ordering::Relaxed);
            self.new_bytes.store(0, Ordering::Relaxed);
        }
        many || large
    }
}

impl Store {
    /// Notes that letters came. A tenth too many may be there for a moment, because counting is slow.
    pub(super) async fn bound_letters(&self, count: u64, bytes: u64) {
        let bounds = self.letter_bounds();
        if !bounds.is_time(count, bytes) {
            return;
        }
        if let Err(error) = forget(self.db(), bounds, &self.stopping()).await {
            tracing::warn!(%error, "old dead letters could not be deleted; the next attempt comes with more of them");
        }
    }
}

/// Forgets what is too old or too many; how many.
pub(crate) async fn forget(db: &Db, bounds: &Bounds, stop: &CancellationToken) -> Result<u64, StoreError> {
    let mut gone = 0;
    if let Some(keep) = bounds.keep {
        let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
        let oldest = db.now().await?.checked_sub(keep).unwrap_or(Timestamp::MIN);
        let delete = "DELETE FROM dead_letter WHERE id IN (SELECT id FROM dead_letter WHERE happened_at < $1 LIMIT $2)";
        gone += delete_all(db, delete, args![oldest, AT_ONCE], stop).await?;
    }
    let full = "SELECT project FROM dead_letter GROUP BY project HAVING COUNT(*) > $1";
    for row in db.rows(full, args![bounds.most]).await? {
        let project: Name = row.get("project")?;
        let delete = "DELETE FROM dead_letter WHERE id IN (SELECT id FROM dead_letter WHERE project = $1 \
                      ORDER BY happened_at DESC, id DESC LIMIT $2 OFFSET $3)";
        let oldest = delete_all(db, delete, args![&project, AT_ONCE, bounds.most], stop).await?;
        tracing::warn!(%project, letters = oldest, "a project has more dead letters than are kept; the oldest are gone");
        gone += oldest;
    }
    Ok(gone + forget_large(db, bounds, stop).await?)
}

/// Forgets the oldest of those that are too many bytes together.
async fn forget_large(db: &Db, bounds: &Bounds, stop: &CancellationToken) -> Result<u64, StoreError> {
    let full = "SELECT project FROM dead_letter GROUP BY project HAVING SUM(LENGTH(data)) > $1";
    let mut gone = 0;
    for row in db.rows(full, args![bounds.most_bytes]).await? {
        let project: Name = row.get("project")?;
        let delete = "DELETE FROM dead_letter WHERE id IN (SELECT id FROM (SELECT id, SUM(LENGTH(data)) OVER \
                      (ORDER BY happened_at DESC, id DESC) AS bytes FROM dead_letter WHERE project = $1) AS summed \
                      WHERE bytes > $2 LIMIT $3)";
        let oldest = delete_all(db, delete, args![&project, bounds.most_bytes, AT_ONCE], stop).await?;
        tracing::warn!(%project, letters = oldest, "the dead letters of a project are larger than what is kept; the oldest are gone");
        gone += oldest;
    }
    Ok(gone)
}

async fn delete_all(
    db: &Db,
    delete: &'static str,
    args: Vec<Arg>,
    stop: &CancellationToken,
) -> Result<u64, StoreError> {
    let mut gone = 0;
    loop {
        let mut tx = db.begin().await?;
        let rows = tx.execute(delete, args.clone()).await?;
        tx.commit().await?;
        gone += rows;
        if rows < AT_ONCE.unsigned_abs() || stop.is_cancelled() {
            return Ok(gone);
        }
    }
}
