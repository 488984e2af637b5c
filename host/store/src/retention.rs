//! Forgets call records and log lines that have grown old. Totals, runs and audit events stay.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    StoreError,
    sql::{Db, args},
};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(3_600);
/// How many rows go in one transaction, so that nobody waits long for the writer.
const AT_ONCE: i64 = 2_000;

const TABLES: [&str; 2] = [
    "DELETE FROM call WHERE id IN (SELECT id FROM call WHERE started_at < $1 LIMIT $2)",
    "DELETE FROM log_line WHERE id IN (SELECT id FROM log_line WHERE logged_at < $1 LIMIT $2)",
];

/// Starts the task.
pub(crate) fn start(db: Db, keep: Duration, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = forget(&db, keep, &stop).await {
                tracing::warn!(%error, "old records could not be deleted; the next attempt is in an hour");
            }
        }
    })
}

/// Deletes what is older than `keep`.
pub(crate) async fn forget(db: &Db, keep: Duration, stop: &CancellationToken) -> Result<u64, StoreError> {
    let mut gone = 0;
    for delete in TABLES {
        loop {
            let mut tx = db.begin().await?;
            let keep = SignedDuration::try_from(keep).unwrap_or(SignedDuration::MAX);
            let oldest = tx.now().await?.checked_sub(keep).unwrap_or(jiff::Timestamp::MIN);
            let rows = tx.execute(delete, args![oldest, AT_ONCE]).await?;
            tx.commit().await?;
            gone += rows;
            if rows < 2_000 || stop.is_cancelled() {
                break;
            }
        }
    }
    Ok(gone)
}
