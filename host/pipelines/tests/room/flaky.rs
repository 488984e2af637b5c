//! The journal of a store that is away now and then, and that counts what it is asked.

use std::{
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use host_core::{
    Digest, Name, RunId,
    id::HostId,
    page::{Page, PageRequest},
    ports::{Claim, Journal, JournalError, RunFilter, Settled, Settling, Tracked},
    run::{MetricPoint, NewRun, Pins, Run, StepKey, StepRecord, StepResult},
};
use host_store::Store;

pub(crate) struct Flaky {
    store: Store,
    /// How many more writes of tracked values fail.
    pub(crate) failing_tracks: AtomicU32,
    /// How many more settlements fail.
    pub(crate) failing_settles: AtomicU32,
    /// How often somebody asked for steps.
    pub(crate) claims: AtomicUsize,
    /// How many heartbeats have been answered.
    pub(crate) heartbeats: AtomicUsize,
    /// How many settlements came too late.
    pub(crate) stale: AtomicUsize,
    /// The most points that one write had.
    pub(crate) most_points: AtomicUsize,
}

impl Flaky {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            failing_tracks: AtomicU32::new(0),
            failing_settles: AtomicU32::new(0),
            claims: AtomicUsize::new(0),
            heartbeats: AtomicUsize::new(0),
            stale: AtomicUsize::new(0),
            most_points: AtomicUsize::new(0),
        }
    }
}

/// Whether this time it fails.
fn fails(left: &AtomicU32) -> Result<(), JournalError> {
    match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |it| it.checked_sub(1)) {
        Ok(_) => Err(JournalError::Storage("the database is away".to_owned())),
        Err(_) => Ok(()),
    }
}

#[async_trait]
impl Journal for Flaky {
    async fn submit(&self, run: NewRun) -> Result<Run, JournalError> {
        self.store.submit(run).await
    }

    async fn submit_all(&self, runs: Vec<NewRun>) -> Result<(), JournalError> {
        self.store.submit_all(runs).await
    }

    async fn claim(&self, host: HostId, limit: u32, lease: Duration) -> Result<Vec<Claim>, JournalError> {
        self.claims.fetch_add(1, Ordering::SeqCst);
        self.store.claim(host, limit, lease).await
    }

    async fn heartbeat(
        &self,
        host: HostId,
        claims: &[(StepKey, u32)],
        lease: Duration,
    ) -> Result<Vec<StepKey>, JournalError> {
        let lost = self.store.heartbeat(host, claims, lease).await;
        self.heartbeats.fetch_add(1, Ordering::SeqCst);
        lost
    }

    async fn settle_and_claim(
        &self,
        host: HostId,
        settling: &Settling,
        limit: u32,
        lease: Duration,
    ) -> Result<Settled, JournalError> {
        fails(&self.failing_settles)?;
        let settled = self.store.settle_and_claim(host, settling, limit, lease).await;
        if matches!(settled, Err(JournalError::Stale(_))) {
            self.stale.fetch_add(1, Ordering::SeqCst);
        }
        settled
    }

    async fn recover(&self) -> Result<u64, JournalError> {
        self.store.recover().await
    }

    async fn cancel(&self, run: RunId, who: &str) -> Result<Run, JournalError> {
        self.store.cancel(run, who).await
    }

    async fn retry(&self, run: RunId, pins: Pins, changed: &[String], who: &str) -> Result<Run, JournalError> {
        self.store.retry(run, pins, changed, who).await
    }

    async fn cached(&self, project: &Name, key: &Digest) -> Result<Option<(RunId, StepResult)>, JournalError> {
        self.store.cached(project, key).await
    }

    async fn track(&self, key: &StepKey, attempt: u32, tracked: Tracked) -> Result<(), JournalError> {
        self.most_points.fetch_max(tracked.metrics.len(), Ordering::SeqCst);
        fails(&self.failing_tracks)?;
        self.store.track(key, attempt, tracked).await
    }

    async fn pinned(&self, run: RunId, url: &str) -> Result<Option<Digest>, JournalError> {
        self.store.pinned(run, url).await
    }

    async fn pin(&self, run: RunId, url: &str, bytes: Digest) -> Result<Digest, JournalError> {
        self.store.pin(run, url, bytes).await
    }

    async fn run(&self, run: RunId) -> Result<Run, JournalError> {
        self.store.run(run).await
    }

    async fn steps(&self, run: RunId) -> Result<Vec<StepRecord>, JournalError> {
        self.store.steps(run).await
    }

    async fn step(&self, key: &StepKey) -> Result<Option<StepRecord>, JournalError> {
        self.store.step(key).await
    }

    async fn runs(&self, project: &Name, filter: &RunFilter, page: &PageRequest) -> Result<Page<Run>, JournalError> {
        self.store.runs(project, filter, page).await
    }

    async fn pending(&self, project: &Name, name: &str, most: u32) -> Result<u32, JournalError> {
        self.store.pending(project, name, most).await
    }

    async fn metrics(&self, run: RunId) -> Result<Vec<MetricPoint>, JournalError> {
        self.store.metrics(run).await
    }
}
