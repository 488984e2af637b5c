//! The journal of runs: durable before it is acknowledged, fenced against writers that lost their lease.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::{
    Digest, Name, RunId,
    id::HostId,
    page::{Page, PageRequest},
    pipeline::Standing,
    run::{MetricPoint, NewRun, Progress, Run, RunState, Settlement, StepInput, StepKey, StepRecord, StepResult},
};

/// A step that this host may execute until its lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The step or trial.
    pub key: StepKey,
    /// The attempt, which fences every later write.
    pub attempt: u32,
    /// How many attempts there were before somebody asked for the run to be retried; rules for retries begin after them.
    pub earlier_attempts: u32,
    /// What was asked for.
    pub run: Arc<NewRun>,
    /// Where every step of the run stood at the claim; whether one is ready or running may be old.
    pub standing: Standing,
    /// What an earlier attempt was given, which stays as it is.
    pub inputs: Vec<StepInput>,
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Settling {
    /// The step or trial.
    pub key: StepKey,
    /// The attempt.
    pub attempt: u32,
    /// How it ended.
    pub how: Settlement,
    /// What it tracked and nobody has written yet.
    pub unwritten: Tracked,
}

/// What a settlement led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// Where the run stands now.
    pub run: RunState,
    /// Whether steps became ready.
    pub more: bool,
    /// The steps, of this run or another, that were taken with it.
    pub claims: Vec<Claim>,
}

/// Which runs are listed.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Only those in this state.
    pub state: Option<RunState>,
    /// Only those of this pipeline or function.
    pub name: Option<String>,
    /// Only those with all of these labels.
    pub labels: BTreeMap<String, String>,
}

/// Why the journal said no.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No such run.
    #[error("run {0} does not exist")]
    NotFound(RunId),
    /// The lease was lost: another host has the step, or the run was cancelled.
    #[error("step `{0}` is no longer this host's")]
    Stale(String),
    /// The run is in the wrong state for what was asked.
    #[error("run {run} is {state}, so it cannot be {wanted}")]
    State {
        /// The run.
        run: RunId,
        /// Its state.
        state: &'static str,
        /// What was asked.
        wanted: &'static str,
    },
    /// A page was asked for that no list gave out.
    #[error("`{0}` is not a place in this list; use the `next` of the page before")]
    Cursor(String),
    /// The store failed; nothing was written.
    #[error("{0}")]
    Storage(String),
}

/// Runs and their steps.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes the run, its steps and which of them are ready. Submitting the same identity again changes nothing.
    async fn submit(&self, run: NewRun) -> Result<Run, JournalError>;

    /// Submits several runs, all or none.
    async fn submit_all(&self, runs: Vec<NewRun>) -> Result<(), JournalError>;

    /// Takes up to `limit` ready steps, each with a new attempt and a lease by the database's clock.
    async fn claim(&self, host: HostId, limit: u32, lease: Duration) -> Result<Vec<Claim>, JournalError>;

    /// Prolongs leases and returns the claims that are lost: taken over, or of a cancelled run.
    async fn heartbeat(
        &self,
        host: HostId,
        claims: &[(StepKey, u32)],
        lease: Duration,
    ) -> Result<Vec<StepKey>, JournalError>;

    /// Writes how a step ended, which steps are ready now, and whether the run is over, and takes up to `limit` ready
    /// steps as [`Journal::claim`] does: one transaction.
    async fn settle_and_claim(
        &self,
        host: HostId,
        settling: &Settling,
        limit: u32,
        lease: Duration,
    ) -> Result<Settled, JournalError>;

    /// Like [`Journal::settle_and_claim`] for who takes nothing and has written all that was tracked.
    async fn settle(
        &self,
        host: HostId,
        key: &StepKey,
        attempt: u32,
        how: Settlement,
    ) -> Result<Settled, JournalError> {
        let settling = Settling { key: key.clone(), attempt, how, unwritten: Tracked::default() };
        self.settle_and_claim(host, &settling, 0, Duration::ZERO).await
    }

    /// Gives steps with an ended lease back, or fails those whose attempts are spent; returns how many.
    async fn recover(&self) -> Result<u64, JournalError>;

    /// Stops a run: what waits is cancelled at once, what runs at its next heartbeat.
    async fn cancel(&self, run: RunId, who: &str) -> Result<Run, JournalError>;

    /// Makes a failed or cancelled run run again: the steps that are done stay done, unless named in `changed`.
    async fn retry(
        &self,
        run: RunId,
        pins: crate::run::Pins,
        changed: &[String],
        who: &str,
    ) -> Result<Run, JournalError>;

    /// Work of the same key that is done, newest first.
    async fn cached(&self, project: &Name, key: &Digest) -> Result<Option<(RunId, StepResult)>, JournalError>;

    /// Metrics, parameters, results and progress as they come; refused when the attempt is stale.
    async fn track(&self, key: &StepKey, attempt: u32, tracked: Tracked) -> Result<(), JournalError>;

    /// The bytes that a URL stands for in a run, once somebody has pinned it.
    async fn pinned(&self, run: RunId, url: &str) -> Result<Option<Digest>, JournalError>;

    /// Fixes for good what a URL stands for in a run. The first one decides: the answer says what it is now.
    async fn pin(&self, run: RunId, url: &str, bytes: Digest) -> Result<Digest, JournalError>;

    /// A run.
    async fn run(&self, run: RunId) -> Result<Run, JournalError>;

    /// The steps and trials of a run, in the pipeline's order.
    async fn steps(&self, run: RunId) -> Result<Vec<StepRecord>, JournalError>;

    /// One step or trial, if there is one.
    async fn step(&self, key: &StepKey) -> Result<Option<StepRecord>, JournalError>;

    /// Runs, newest first.
    async fn runs(&self, project: &Name, filter: &RunFilter, page: &PageRequest) -> Result<Page<Run>, JournalError>;

    /// How many runs of this name in a project are not over; at most `most` are counted.
    async fn pending(&self, _project: &Name, _name: &str, _most: u32) -> Result<u32, JournalError> {
        Ok(0)
    }

    /// Every value of every metric of a run, in order of step, name and time.
    async fn metrics(&self, run: RunId) -> Result<Vec<MetricPoint>, JournalError>;
}

/// What a running step told since the last write.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tracked {
    /// Parameters the job chose itself.
    pub params: Map<String, Value>,
    /// Results.
    pub results: Map<String, Value>,
    /// Metrics.
    pub metrics: Vec<MetricPoint>,
    /// The latest progress.
    pub progress: Option<Progress>,
}
