//! Takes ready steps from the journal, executes them side by side, keeps their leases, and gives up lost ones.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use host_core::{
    RunId,
    event::code,
    id::HostId,
    ports::{Claim, JournalError},
    run::{Settlement, StepKey},
};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{config::Config, executor, services::Services};

/// How often a settlement is tried while the store fails.
const SETTLE_ATTEMPTS: u32 = 30;

/// A step in the works.
#[derive(Debug)]
struct Running {
    attempt: u32,
    cancelled: CancellationToken,
}

/// An attempt's place among those in the works, given free however the attempt ends.
struct Place {
    scheduler: Arc<Scheduler>,
    key: StepKey,
    attempt: u32,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.scheduler.leave(&self.key, self.attempt);
        self.scheduler.wake();
    }
}

/// The steps of one host.
pub struct Scheduler {
    services: Services,
    config: Config,
    host: HostId,
    wake: Notify,
    running: Mutex<HashMap<StepKey, Running>>,
    steps: TaskTracker,
}

impl Scheduler {
    /// A scheduler that does nothing until [`Scheduler::run`].
    #[must_use]
    pub fn new(services: Services, config: Config) -> Arc<Self> {
        Arc::new(Self {
            services,
            config,
            host: HostId::next(),
            wake: Notify::new(),
            running: Mutex::default(),
            steps: TaskTracker::new(),
        })
    }

    /// What it works with.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Says that there may be ready steps.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Stops the steps of a run that this host executes, without waiting for a heartbeat.
    pub fn cancel(&self, run: RunId) {
        self.lock().iter().filter(|(key, _)| key.run == run).for_each(|(_, it)| it.cancelled.cancel());
    }

    /// How many steps are in the works.
    #[must_use]
    pub fn running(&self) -> usize {
        self.lock().len()
    }

    /// Schedules until stopped. Steps in the works go on; [`Scheduler::drain`] waits for them.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let claiming = self.claim_until(&stop);
        let keeping = self.keep_leases(&stop);
        tokio::join!(claiming, keeping);
    }

    /// Waits for the steps in the works. What is left after `most` is abandoned: its lease ends, and it is taken up again.
    pub async fn drain(&self, most: Duration) {
        self.steps.close();
        if tokio::time::timeout(most, self.steps.wait()).await.is_err() {
            let left = self.lock().len();
            tracing::warn!(left, "stopping with steps in the works; they run again when their lease ends");
        }
    }

    async fn claim_until(self: &Arc<Self>, stop: &CancellationToken) {
        let poll = Duration::from_millis(self.config.poll_ms.max(1));
        while !stop.is_cancelled() {
            let claimed = self.claim().await;
            if claimed > 0 && self.free() > 0 {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(poll) => {}
            }
        }
    }

    fn free(&self) -> u32 {
        let running = u32::try_from(self.lock().len()).unwrap_or(u32::MAX);
        self.config.parallel().saturating_sub(running)
    }

    async fn claim(self: &Arc<Self>) -> usize {
        let free = self.free();
        if free == 0 {
            return 0;
        }
        match self.services.journal.claim(self.host, free, Duration::from_millis(self.config.lease_ms)).await {
            Ok(claims) => {
                let count = claims.len();
                claims.into_iter().for_each(|claim| self.start(claim));
                count
            }
            Err(error) => {
                tracing::warn!(%error, "could not ask the journal for steps; asking again");
                0
            }
        }
    }

    fn start(self: &Arc<Self>, claim: Claim) {
        let cancelled = CancellationToken::new();
        let running = Running { attempt: claim.attempt, cancelled: cancelled.clone() };
        // A step that was lost and came back is executed by its newer attempt alone.
        if let Some(older) = self.lock().insert(claim.key.clone(), running) {
            older.cancelled.cancel();
        }
        let place = Place { scheduler: self.clone(), key: claim.key.clone(), attempt: claim.attempt };
        self.steps.spawn(async move {
            let this = &place.scheduler;
            let how = executor::execute(&claim, &this.services, &this.config, &cancelled).await;
            this.settle(&claim, this.or_given_back(how)).await;
        });
    }

    /// What could not be called because the host is stopping is given back, to be executed by whoever comes next.
    fn or_given_back(&self, how: Settlement) -> Settlement {
        match how {
            Settlement::Failed { failure, retry_after_ms: None, result }
                if self.steps.is_closed() && failure.code == code::UNAVAILABLE =>
            {
                Settlement::Failed { failure, retry_after_ms: Some(0), result }
            }
            how => how,
        }
    }

    /// Forgets an attempt, unless a newer one of the same step has taken its place.
    fn leave(&self, key: &StepKey, attempt: u32) {
        let mut running = self.lock();
        if running.get(key).is_some_and(|it| it.attempt == attempt) {
            running.remove(key);
        }
    }

    async fn settle(&self, claim: &Claim, how: Settlement) {
        let step = claim.key.label();
        for attempt in 0..SETTLE_ATTEMPTS {
            match self.services.journal.settle(self.host, &claim.key, claim.attempt, how.clone()).await {
                Ok(settled) => {
                    return tracing::debug!(run = %claim.key.run, step, state = settled.run.as_str(), "step settled");
                }
                Err(JournalError::Storage(error)) => {
                    tracing::warn!(run = %claim.key.run, step, error, "could not settle a step; trying again");
                    tokio::time::sleep(Duration::from_millis(u64::from(100 * (attempt + 1)).min(1_000))).await;
                }
                Err(error) => {
                    return tracing::info!(run = %claim.key.run, step, %error, "what a step did is not wanted any more");
                }
            }
        }
        tracing::error!(run = %claim.key.run, step, "gave up settling a step; it runs again when its lease ends");
    }

    async fn keep_leases(&self, stop: &CancellationToken) {
        // A heartbeat that is rarer than the lease is long would lose every step.
        let period = Duration::from_millis(self.config.heartbeat_ms.min(self.config.lease_ms / 2).max(10));
        // Leases are kept while steps are drained, too.
        while !(stop.is_cancelled() && self.lock().is_empty()) {
            self.heartbeat().await;
            if let Err(error) = self.services.journal.recover().await {
                tracing::warn!(%error, "could not look for steps whose host is gone");
            }
            tokio::select! {
                () = tokio::time::sleep(period) => {}
                () = async { stop.cancelled().await; self.steps.wait().await } => {}
            }
        }
    }

    async fn heartbeat(&self) {
        let held: Vec<_> = self.lock().iter().map(|(key, it)| (key.clone(), it.attempt)).collect();
        if held.is_empty() {
            return;
        }
        match self.services.journal.heartbeat(self.host, &held, Duration::from_millis(self.config.lease_ms)).await {
            Ok(lost) => self.give_up(&held, &lost),
            Err(error) => tracing::warn!(%error, "could not prolong leases; trying again"),
        }
    }

    /// Only the attempts that were asked about: a newer one may have begun while the journal answered.
    fn give_up(&self, held: &[(StepKey, u32)], lost: &[StepKey]) {
        let running = self.lock();
        for (key, attempt) in held.iter().filter(|(key, _)| lost.contains(key)) {
            if let Some(it) = running.get(key).filter(|it| it.attempt == *attempt) {
                tracing::info!(run = %key.run, step = key.label(), "stopping a step that was cancelled or taken over");
                it.cancelled.cancel();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StepKey, Running>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
