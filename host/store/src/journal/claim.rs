//! Takes ready steps: each with a new attempt and a lease by the database's clock.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use host_core::{RunId, id::HostId, ports::Claim, run::StepKey};
use jiff::{SignedDuration, Timestamp};

use super::{load, memory::Known};
use crate::{
    Store, StoreError,
    sql::{Row, Tx, args},
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
            "WHERE (run, step, trial) IN (SELECT run, step, trial FROM picked) RETURNING run, step, trial, attempt, attempts_before, position, inputs"
        )
    };
}

pub(super) async fn claim(store: &Store, host: HostId, limit: u32, lease: Duration) -> Result<Vec<Claim>, StoreError> {
    if limit == 0 || !any_ready(store).await? {
        return Ok(Vec::new());
    }
    let mut tx = store.begin().await?;
    let mut taken = Taken::new(store, tx.now().await?);
    let claims = taken.take(&mut tx, host, limit, lease).await?;
    tx.commit().await?;
    taken.remember();
    Ok(claims)
}

/// What a transaction takes, and what it came to know on the way.
pub(super) struct Taken<'a> {
    store: &'a Store,
    now: Timestamp,
    known: BTreeMap<RunId, Known>,
}

impl<'a> Taken<'a> {
    pub(super) fn new(store: &'a Store, now: Timestamp) -> Self {
        Self { store, now, known: BTreeMap::new() }
    }

    /// Takes a run as it stands in this transaction.
    pub(super) fn knows(&mut self, known: Option<Known>) {
        self.known.extend(known.map(|it| (it.run.id, it)));
    }

    /// Remembers all of it; only once the transaction has been committed.
    pub(super) fn remember(self) {
        self.known.into_values().for_each(|known| self.store.remembered().keep(known));
    }

    /// Takes up to `limit` steps. Nothing in the transaction may wait for anybody after this.
    pub(super) async fn take(
        &mut self,
        tx: &mut Tx,
        host: HostId,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<Claim>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let sql = if tx.is_postgres() { claim!("FOR UPDATE SKIP LOCKED") } else { claim!("") };
        let rows = tx.rows(sql, args![self.now, limit, host, until(self.now, lease)]).await?;
        let placed = rows.iter().map(|row| Ok((row.get("position")?, steps::read_key(row)?, row)));
        let mut rows = placed.collect::<Result<Vec<(i64, StepKey, &Row)>, StoreError>>()?;
        rows.sort_by(|(place, key, _), (other, than, _)| (place, key).cmp(&(other, than)));
        let mut claims = Vec::with_capacity(rows.len());
        for (_, key, row) in rows {
            let known = self.known(tx, key.run).await?;
            claims.push(Claim {
                attempt: row.get("attempt")?,
                earlier_attempts: row.get("attempts_before")?,
                run: Arc::clone(&known.run),
                standing: known.standing.clone(),
                inputs: row.json("inputs")?,
                key,
            });
        }
        Ok(claims)
    }

    /// The run as it stands now.
    async fn known(&mut self, tx: &mut Tx, run: RunId) -> Result<&Known, StoreError> {
        if !self.known.contains_key(&run) {
            let row = tx.row("SELECT changes, started_at FROM run WHERE id = $1", args![run]).await?;
            let row = row.ok_or_else(|| StoreError::NotFound(format!("run {run}")))?;
            if row.get::<Option<Timestamp>>("started_at")?.is_none() {
                begin(tx, run, self.now).await?;
            }
            // Counted before it is read: what changes in between makes it seem older than it is, never newer.
            let changes = row.get("changes")?;
            let known = match self.store.remembered().recall(run, changes) {
                Some(known) => known,
                None => load(tx, run, changes).await?,
            };
            self.known.insert(run, known);
        }
        self.known.get(&run).ok_or_else(|| StoreError::NotFound(format!("run {run}")))
    }
}

/// Asks the readers first, so that hosts that look for work do not queue for the writer.
async fn any_ready(store: &Store) -> Result<bool, StoreError> {
    Ok(store.db().row("SELECT 1 AS one FROM step WHERE state = 'ready' LIMIT 1", vec![]).await?.is_some())
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
