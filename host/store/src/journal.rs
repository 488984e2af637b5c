//! The journal of runs: every change is one transaction, and one of a writer that lost its lease is refused.

mod apply;
mod cached;
mod cancel;
mod claim;
mod heartbeat;
mod metrics;
mod recover;
mod retry;
mod settle;
mod submit;
mod track;

use std::time::Duration;

use async_trait::async_trait;
use host_core::{
    Digest, Name, RunId,
    id::HostId,
    page::{Page, PageRequest},
    ports::{Claim, Journal, JournalError, RunFilter, Settled, Tracked},
    run::{MetricPoint, NewRun, Pins, Run, Settlement, StepKey, StepRecord, StepResult},
};

use crate::{
    Store, StoreError,
    runs::{self, select_run},
    sql::{Tx, args},
    steps,
};

pub(crate) use recover::expire_all;

/// A run in a transaction that keeps everyone else from changing it.
///
/// Its steps are only ever changed after this, so that two changes never wait for one another in a circle. A claim is
/// the exception: it takes steps without their run and waits for nobody.
async fn lock(tx: &mut Tx, run: RunId) -> Result<Option<Run>, StoreError> {
    let sql = if tx.is_postgres() {
        // Not `FOR UPDATE`: metrics refer to the run, and writing one must not wait.
        select_run!("WHERE r.id = $1 FOR NO KEY UPDATE OF r")
    } else {
        select_run!("WHERE r.id = $1")
    };
    tx.row(sql, args![run]).await?.as_ref().map(runs::read).transpose()
}

async fn records(tx: &mut Tx, run: RunId) -> Result<Vec<StepRecord>, StoreError> {
    steps::read_all(&tx.rows(steps::OF_RUN, args![run]).await?)
}

#[async_trait]
impl Journal for Store {
    async fn submit(&self, run: NewRun) -> Result<Run, JournalError> {
        Ok(submit::submit(self, run).await?)
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

    async fn settle(
        &self,
        host: HostId,
        key: &StepKey,
        attempt: u32,
        how: Settlement,
    ) -> Result<Settled, JournalError> {
        settle::settle(self, host, key, attempt, how).await
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

    async fn runs(&self, project: &Name, filter: &RunFilter, page: &PageRequest) -> Result<Page<Run>, JournalError> {
        Ok(runs::list(self, project, filter, page).await?)
    }

    async fn metrics(&self, run: RunId) -> Result<Vec<MetricPoint>, JournalError> {
        Ok(metrics::read(self, run).await?)
    }
}
