//! Takes ready steps from the journal, executes them side by side, keeps their leases, and gives up lost ones.
//!
//! A step that ends is settled and the next ones are taken in one transaction, so that a chain goes from step to step
//! without asking twice. The loop that claims fills what is left free.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use host_core::{
    RunId,
    event::code,
    id::HostId,
    ports::{Claim, JournalError, Settled, Settling},
    run::{Settlement, StepKey},
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Config,
    executor::{self, With},
    services::Services,
    workbench::Workbench,
};

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
    /// Gone once it went to what came next.
    slots: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.scheduler.leave(&self.key, self.attempt);
        if self.slots.take().is_some() {
            self.scheduler.wake();
        }
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
    /// One for each step that may be executed at once.
    slots: Arc<Semaphore>,
    /// Whether somebody looked for steps in vain because others held the slots.
    is_missed: AtomicBool,
    bench: Workbench,
    /// Cancelled when nothing more is to be claimed; there from the first claim on.
    stop: OnceLock<CancellationToken>,
}

impl Scheduler {
    /// A scheduler that does nothing until [`Scheduler::run`].
    #[must_use]
    pub fn new(services: Services, config: Config) -> Arc<Self> {
        let slots = usize::try_from(config.parallel()).unwrap_or(1).clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            services,
            config,
            host: HostId::next(),
            wake: Notify::new(),
            running: Mutex::default(),
            steps: TaskTracker::new(),
            slots: Arc::new(Semaphore::new(slots)),
            is_missed: AtomicBool::new(false),
            bench: Workbench::default(),
            stop: OnceLock::new(),
        })
    }

    /// What it works with.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.services
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
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
        // Who runs it again has stopped it before, and it stays so.
        let stop = self.stop.get_or_init(|| stop).clone();
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
            if claimed > 0 && self.slots.available_permits() > 0 {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(poll) => {}
            }
        }
    }

    fn is_stopping(&self) -> bool {
        self.stop.get().is_some_and(CancellationToken::is_cancelled)
    }

    /// Every slot that is free now.
    fn free(&self) -> Option<OwnedSemaphorePermit> {
        let free = u32::try_from(self.slots.available_permits()).unwrap_or(u32::MAX);
        // Whoever was faster leaves none, and looks for steps with them.
        self.slots.clone().try_acquire_many_owned(free).ok().filter(|it| it.num_permits() > 0)
    }

    fn lease(&self) -> Duration {
        Duration::from_millis(self.config.lease_ms)
    }

    async fn claim(self: &Arc<Self>) -> usize {
        // Said before it is tried: whoever gives slots back afterwards sees it.
        self.is_missed.store(true, SeqCst);
        let Some(slots) = self.free() else { return 0 };
        self.is_missed.store(false, SeqCst);
        match self.services.journal.claim(self.host, count(&slots), self.lease()).await {
            Ok(claims) => self.start_all(claims, slots),
            Err(error) => {
                tracing::warn!(%error, "could not ask the journal for steps; asking again");
                0
            }
        }
    }

    /// Starts each in a slot of its own, and gives back those that are left.
    fn start_all(self: &Arc<Self>, claims: Vec<Claim>, mut slots: OwnedSemaphorePermit) -> usize {
        let claimed = claims.len();
        for claim in claims {
            // There are never more claims than slots; one without would still have to be executed.
            self.start(claim, slots.split(1));
        }
        claimed
    }

    fn start(self: &Arc<Self>, claim: Claim, slots: Option<OwnedSemaphorePermit>) {
        let cancelled = CancellationToken::new();
        let running = Running { attempt: claim.attempt, cancelled: cancelled.clone() };
        // A step that was lost and came back is executed by its newer attempt alone.
        if let Some(older) = self.lock().insert(claim.key.clone(), running) {
            older.cancelled.cancel();
        }
        let mut place = Place { scheduler: self.clone(), key: claim.key.clone(), attempt: claim.attempt, slots };
        self.steps.spawn(async move {
            let this = place.scheduler.clone();
            let with = With { services: &this.services, config: &this.config, bench: &this.bench };
            let mut settling = executor::execute(&claim, with, &cancelled).await;
            // What it was given may be large, and is not needed any more.
            drop(claim);
            settling.how = this.or_given_back(settling.how);
            this.settle_and_go_on(settling, &mut place).await;
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
            Settlement::Waits { failure, result, .. } if self.steps.is_closed() => {
                Settlement::Waits { failure, after_ms: 0, result }
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

    /// Settles an attempt and starts what it took in the same breath, in its own slot and all that are free.
    async fn settle_and_go_on(self: &Arc<Self>, settling: Settling, place: &mut Place) {
        let mut slots = place.slots.take().filter(|_| !self.is_stopping());
        if let Some(slots) = &mut slots
            && let Some(free) = self.free()
        {
            slots.merge(free);
        }
        let limit = slots.as_ref().map_or(0, count);
        let settled = self.settle(&settling, limit).await;
        let Some((settled, slots)) = settled.zip(slots) else { return self.wake() };
        let claimed = self.start_all(settled.claims, slots);
        // With as many as could be taken there may be more; and who found no slot may know of some.
        if claimed >= limit as usize || self.is_missed.swap(false, SeqCst) {
            self.wake();
        }
    }

    async fn settle(&self, settling: &Settling, limit: u32) -> Option<Settled> {
        let (run, step) = (settling.key.run, settling.key.label());
        for attempt in 0..SETTLE_ATTEMPTS {
            match self.services.journal.settle_and_claim(self.host, settling, limit, self.lease()).await {
                Ok(settled) => {
                    tracing::debug!(%run, step, state = settled.run.as_str(), "step settled");
                    return Some(settled);
                }
                Err(JournalError::Storage(error)) => {
                    tracing::warn!(%run, step, error, "could not settle a step; trying again");
                    tokio::time::sleep(Duration::from_millis(u64::from(100 * (attempt + 1)).min(1_000))).await;
                }
                Err(error) => {
                    tracing::info!(%run, step, %error, "what a step did is not wanted any more");
                    return None;
                }
            }
        }
        tracing::error!(%run, step, "gave up settling a step; it runs again when its lease ends");
        None
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

fn count(slots: &OwnedSemaphorePermit) -> u32 {
    u32::try_from(slots.num_permits()).unwrap_or(u32::MAX)
}
