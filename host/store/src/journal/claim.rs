//! Takes ready steps: each with a new attempt and a lease by the database's clock.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use host_core::{
    RunId,
    id::HostId,
    ports::Claim,
    run::{Run, StepRecord},
};
use jiff::{SignedDuration, Timestamp};

use super::records;
use crate::{
    Store, StoreError,
    runs::{self, select_run},
    sql::{Tx, args},
    steps,
};

/// One statement: what it finds ready it takes. `MATERIALIZED`, so that the limit is met once.
macro_rules! claim {
    ($lock:literal) => {
        concat!(
            "WITH picked AS MATERIALIZED (SELECT run, step, trial FROM step WHERE state = 'ready' AND ready_at <= $1 ",
            "ORDER BY ready_at, run, position, trial LIMIT $2 ",
            $lock,
            ") UPDATE step SET state = 'running', attempt = attempt + 1, host = $3, lease_until = $4, started_at = $1, ",
            "finished_at = NULL, failure = NULL, progress = NULL, results = '{}' ",
            "WHERE (run, step, trial) IN (SELECT run, step, trial FROM picked) RETURNING run, step, trial, attempt, attempts_before, position"
        )
    };
}

pub(super) async fn claim(store: &Store, host: HostId, limit: u32, lease: Duration) -> Result<Vec<Claim>, StoreError> {
    if limit == 0 || !any_ready(store).await? {
        return Ok(Vec::new());
    }
    let mut tx = store.begin().await?;
    let now = tx.now().await?;
    let sql = if tx.is_postgres() { claim!("FOR UPDATE SKIP LOCKED") } else { claim!("") };
    let rows = tx.rows(sql, args![now, limit, host, until(now, lease)]).await?;
    let mut taken = Vec::with_capacity(rows.len());
    for row in &rows {
        let attempts = (row.get::<u32>("attempt")?, row.get::<u32>("attempts_before")?);
        taken.push((row.get::<i64>("position")?, steps::read_key(row)?, attempts));
    }
    taken.sort();
    let mut of_run: BTreeMap<RunId, (Run, Vec<StepRecord>)> = BTreeMap::new();
    for run in taken.iter().map(|(_, key, _)| key.run).collect::<BTreeSet<_>>() {
        let (mut found, steps) = whole(&mut tx, run).await?;
        if found.started_at.is_none() {
            begin(&mut tx, run, now).await?;
            found.started_at = Some(now);
        }
        of_run.insert(run, (found, steps));
    }
    tx.commit().await?;
    let claims = taken.into_iter().filter_map(|(_, key, (attempt, earlier_attempts))| {
        let (run, steps) = of_run.get(&key.run)?.clone();
        Some(Claim { key, attempt, earlier_attempts, run, steps })
    });
    Ok(claims.collect())
}

/// Asks the readers first, so that hosts that look for work do not queue for the writer.
async fn any_ready(store: &Store) -> Result<bool, StoreError> {
    Ok(store.db().row("SELECT 1 AS one FROM step WHERE state = 'ready' LIMIT 1", vec![]).await?.is_some())
}

async fn whole(tx: &mut Tx, run: RunId) -> Result<(Run, Vec<StepRecord>), StoreError> {
    let row = tx.row(select_run!("WHERE r.id = $1"), args![run]).await?;
    let found = runs::read(&row.ok_or_else(|| StoreError::NotFound(format!("run {run}")))?)?;
    Ok((found, records(tx, run).await?))
}

/// Notes that a run has begun. It never waits for the run: whoever holds it may be waiting for what this claim took.
async fn begin(tx: &mut Tx, run: RunId, now: Timestamp) -> Result<(), StoreError> {
    macro_rules! begin {
        ($lock:literal) => {
            concat!(
                "UPDATE run SET started_at = $1 WHERE id IN (SELECT id FROM run WHERE id = $2 AND started_at IS NULL ",
                $lock,
                ")"
            )
        };
    }
    let sql = if tx.is_postgres() { begin!("FOR NO KEY UPDATE SKIP LOCKED") } else { begin!("") };
    tx.execute(sql, args![now, run]).await.map(drop)
}

/// When a lease ends.
pub(super) fn until(now: Timestamp, lease: Duration) -> Timestamp {
    let lease = SignedDuration::try_from(lease).unwrap_or(SignedDuration::MAX);
    now.checked_add(lease).unwrap_or(Timestamp::MAX)
}
