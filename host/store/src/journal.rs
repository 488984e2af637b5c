//! The journal of runs: every change is one transaction, and one of a writer that lost its lease is refused.

mod apply;
mod cached;
mod cancel;
mod claim;
mod heartbeat;
mod import;
mod memory;
mod metrics;
mod pin;
mod recover;
mod retry;
mod settle;
mod submit;
mod track;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use host_core::{
    Digest, Name, RunId,
    id::HostId,
    page::{Page, PageRequest},
    pipeline::{Progress, TrialProgress},
    ports::{Claim, Journal, JournalError, RunFilter, Settled, Settling, Tracked},
    run::{MetricPoint, NewRun, Pins, Run, RunState, StepKey, StepRecord, StepResult},
};
use jiff::Timestamp;
use serde_json::Map;

use crate::{
    Store, StoreError,
    runs::{self, select_run},
    sql::{Row, Tx, args},
    steps::{self, select_step},
};

use memory::Known;

pub(crate) use memory::Memory;
pub(crate) use recover::expire_all;

/// Writes a run as part of a transaction, unless it is there already.
pub(crate) async fn submit_in(tx: &mut Tx, run: &NewRun, now: Timestamp) -> Result<(), StoreError> {
    submit::write(tx, run, now).await.map(drop)
}

/// Stops a run as part of a transaction, unless it is over or gone.
pub(crate) async fn cancel_in(tx: &mut Tx, run: RunId, who: &str) -> Result<(), StoreError> {
    match lock(tx, run).await? {
        Some((run, turn)) if run.state == RunState::Running => {
            cancel::stop(tx, &run.spec, who, turn.now).await.map(drop)
        }
        _ => Ok(()),
    }
}

/// The turn to change a run.
#[derive(Debug, Clone, Copy)]
struct Turn {
    /// How often the run was changed, this change included.
    changes: i64,
    now: Timestamp,
}

/// Waits for the turn to change a run, which keeps everyone else from changing it until the transaction ends.
///
/// Its steps are only ever changed after this, so that two changes never wait for one another in a circle. A claim is
/// the exception: it takes steps without their run and waits for nobody.
async fn turn(tx: &mut Tx, run: RunId) -> Result<Option<Turn>, StoreError> {
    macro_rules! turn {
        ($more:literal) => {
            concat!("UPDATE run SET changes = changes + 1 WHERE id = $1 RETURNING changes", $more)
        };
    }
    // Postgres says with it what time it is; SQLite goes by the host's clock.
    let sql = if tx.is_postgres() {
        turn!(", CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS now")
    } else {
        turn!("")
    };
    let Some(row) = tx.row(sql, args![run]).await? else { return Ok(None) };
    let now = if tx.is_postgres() { row.get("now")? } else { tx.now().await? };
    Ok(Some(Turn { changes: row.get("changes")?, now }))
}

/// A run whose turn it is to be changed.
async fn lock(tx: &mut Tx, run: RunId) -> Result<Option<(Run, Turn)>, StoreError> {
    let Some(turn) = turn(tx, run).await? else { return Ok(None) };
    Ok(find(tx, run).await?.map(|run| (run, turn)))
}

async fn find(tx: &mut Tx, run: RunId) -> Result<Option<Run>, StoreError> {
    tx.row(select_run!("WHERE r.id = $1"), args![run]).await?.as_ref().map(runs::read).transpose()
}

/// A run from its rows.
async fn load(tx: &mut Tx, run: RunId, changes: i64) -> Result<Known, StoreError> {
    let found = find(tx, run).await?.ok_or_else(|| StoreError::NotFound(format!("run {run}")))?;
    let standing = Progress::joined(&found.spec, standing(tx, run).await?).into_standing();
    Ok(Known { changes, run: Arc::new(found.spec), standing })
}

/// Where every step and trial of a run stands.
async fn standing(tx: &mut Tx, run: RunId) -> Result<Vec<(StepKey, TrialProgress)>, StoreError> {
    // Of a trial what was drawn, not what was made of it: it is to be the same however often it is read.
    let sql =
        "SELECT run, step, trial, state, COALESCE(drawn, '{}') AS drawn, results, outputs FROM step WHERE run = $1";
    let read = |row: &Row| {
        let outputs: Vec<_> = row.json("outputs")?;
        let (params, results): (Map<_, _>, Map<_, _>) = (row.json("drawn")?, row.json("results")?);
        let (params, results, outputs) = (params.into(), results.into(), outputs.into());
        Ok((steps::read_key(row)?, TrialProgress { state: row.word("state")?, params, results, outputs }))
    };
    tx.rows(sql, args![run]).await?.iter().map(read).collect()
}

#[async_trait]
impl Journal for Store {
    async fn submit(&self, run: NewRun) -> Result<Run, JournalError> {
        Ok(submit::submit(self, run).await?)
    }

    async fn submit_all(&self, runs: Vec<NewRun>) -> Result<(), JournalError> {
        Ok(submit::submit_all(self, &runs).await?)
    }

    async fn claim(&self, host: HostId, limit: u32, lease: Duration) -> Result<Vec<Claim>, JournalError> {
        Ok(claim::claim(self, host, limit, lease).await?)
    }

    async fn heartbeat(
        &self,
        host: HostId,
        claims: &[(StepKey, u32)],
        lease: Duration,
    ) -> Result<Vec<StepKey>, JournalError> {
        Ok(heartbeat::heartbeat(self, host, claims, lease).await?)
    }

    async fn settle_and_claim(
        &self,
        host: HostId,
        settling: &Settling,
        limit: u32,
        lease: Duration,
    ) -> Result<Settled, JournalError> {
        settle::settle(self, host, settling, (limit, lease)).await
    }

    async fn recover(&self) -> Result<u64, JournalError> {
        Ok(recover::recover(self).await?)
    }

    async fn cancel(&self, run: RunId, who: &str) -> Result<Run, JournalError> {
        cancel::cancel(self, run, who).await
    }

    async fn retry(&self, run: RunId, pins: Pins, changed: &[String], who: &str) -> Result<Run, JournalError> {
        retry::retry(self, run, pins, changed, who).await
    }

    async fn cached(&self, project: &Name, key: &Digest) -> Result<Option<(RunId, StepResult)>, JournalError> {
        Ok(cached::cached(self, project, key).await?)
    }

    async fn track(&self, key: &StepKey, attempt: u32, tracked: Tracked) -> Result<(), JournalError> {
        track::track(self, key, attempt, tracked).await
    }

    async fn pinned(&self, run: RunId, url: &str) -> Result<Option<Digest>, JournalError> {
        Ok(pin::pinned(self, run, url).await?)
    }

    async fn pin(&self, run: RunId, url: &str, bytes: Digest) -> Result<Digest, JournalError> {
        pin::pin(self, run, url, bytes).await
    }

    async fn run(&self, run: RunId) -> Result<Run, JournalError> {
        runs::find(self, run).await?.ok_or(JournalError::NotFound(run))
    }

    async fn steps(&self, run: RunId) -> Result<Vec<StepRecord>, JournalError> {
        let rows = self.db().rows(steps::OF_RUN, args![run]).await?;
        if rows.is_empty() && runs::find(self, run).await?.is_none() {
            return Err(JournalError::NotFound(run));
        }
        Ok(steps::read_all(&rows)?)
    }

    async fn step(&self, key: &StepKey) -> Result<Option<StepRecord>, JournalError> {
        let args = args![key.run, key.step.as_str(), steps::trial(key.trial)];
        let row = self.db().row(select_step!("WHERE s.run = $1 AND s.step = $2 AND s.trial = $3"), args).await?;
        Ok(row.as_ref().map(steps::read).transpose()?)
    }

    async fn runs(&self, project: &Name, filter: &RunFilter, page: &PageRequest) -> Result<Page<Run>, JournalError> {
        Ok(runs::list(self, project, filter, page).await?)
    }

    async fn pending(&self, project: &Name, name: &str, most: u32) -> Result<u32, JournalError> {
        Ok(runs::pending(self, project, name, most).await?)
    }

    async fn metrics(&self, run: RunId) -> Result<Vec<MetricPoint>, JournalError> {
        Ok(metrics::read(self, run).await?)
    }
}
