//! Whose turn it is to compute: a bound on predictions at once, on those that wait, and on patience.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use host_core::model::ScoreError;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout_at,
};

use crate::Config;

/// Lets predictions compute.
#[derive(Debug)]
pub(crate) struct Compute {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    inline: Duration,
    overdue: Arc<AtomicI64>,
}

impl Compute {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(config.permits())),
            waiting: AtomicUsize::new(0),
            most_waiting: config.waiting,
            inline: config.inline(),
            overdue: Arc::default(),
        }
    }

    /// How many more predictions could compute now.
    pub(crate) fn free(&self) -> usize {
        self.permits.available_permits()
    }

    /// How many wait for their turn.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many still compute though nobody waits for them any more.
    pub(crate) fn overdue(&self) -> u64 {
        self.overdue.load(Ordering::Relaxed).max(0).unsigned_abs()
    }

    /// Does `work` when its turn comes: here when it should be short, else on a thread of its own.
    ///
    /// A computation cannot be stopped. One that is overdue is answered for, but keeps its thread and its permit
    /// until it returns, so that a slow model cannot take more of the host than its share.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        estimate: Duration,
        deadline: Instant,
        work: impl FnOnce() -> Result<T, ScoreError> + Send + 'static,
    ) -> Result<T, ScoreError> {
        let permit = self.permit(deadline).await?;
        if Instant::now() >= deadline {
            return Err(ScoreError::Deadline);
        }
        if estimate <= self.inline {
            return work();
        }
        let late = Arc::new(AtomicBool::new(false));
        let (returns, overdue) = (late.clone(), self.overdue.clone());
        let task = tokio::task::spawn_blocking(move || {
            let result = work();
            if returns.swap(true, Ordering::AcqRel) {
                overdue.fetch_sub(1, Ordering::Relaxed);
            }
            drop(permit);
            result
        });
        match timeout_at(deadline.into(), task).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(ScoreError::Failed(error.to_string())),
            Err(_) => {
                // Whoever comes second, this or the return of the work, knows that the other was there.
                if !late.swap(true, Ordering::AcqRel) {
                    self.overdue.fetch_add(1, Ordering::Relaxed);
                }
                Err(ScoreError::Deadline)
            }
        }
    }

    async fn permit(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, ScoreError> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let _place = Place::take(&self.waiting, self.most_waiting).ok_or(ScoreError::Busy)?;
        match timeout_at(deadline.into(), self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(ScoreError::Busy),
        }
    }
}

/// A place in the queue, given up when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let place = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < most).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn compute(concurrency: usize, waiting: usize) -> Compute {
        Compute::new(&Config { concurrency, waiting, ..Config::default() })
    }

    fn later() -> Instant {
        Instant::now() + LONG
    }

    #[tokio::test]
    async fn short_work_stays_on_its_thread_and_long_work_leaves_it() {
        let here = std::thread::current().id();
        let place = || Ok(std::thread::current().id());
        assert_eq!(compute(1, 0).run(Duration::ZERO, later(), place).await, Ok(here));
        assert_ne!(compute(1, 0).run(LONG, later(), place).await, Ok(here));
    }

    #[tokio::test]
    async fn work_past_its_deadline_is_answered_and_keeps_its_permit_until_it_returns() {
        let compute = compute(1, 0);
        let (release, held) = mpsc::channel::<()>();
        let soon = Instant::now() + Duration::from_millis(5);
        let answer = compute.run(LONG, soon, move || Ok(held.recv().is_err())).await;
        assert_eq!(answer, Err(ScoreError::Deadline));
        assert_eq!((compute.free(), compute.overdue()), (0, 1));
        assert_eq!(compute.run(LONG, later(), || Ok(())).await, Err(ScoreError::Busy));
        drop(release);
        let _permit = compute.permits.acquire().await.unwrap();
        assert_eq!(compute.overdue(), 0);
    }

    #[tokio::test]
    async fn those_beyond_the_queue_are_refused_at_once_and_those_in_it_at_their_deadline() {
        let compute = compute(1, 1);
        let _held = compute.permits.clone().acquire_owned().await.unwrap();
        let soon = Instant::now() + Duration::from_millis(5);
        let (queued, refused) =
            tokio::join!(compute.run(Duration::ZERO, soon, || Ok(1)), compute.run(Duration::ZERO, later(), || Ok(2)));
        assert_eq!((queued, refused), (Err(ScoreError::Busy), Err(ScoreError::Busy)));
        assert_eq!(compute.waiting(), 0);
    }

    #[tokio::test]
    async fn a_deadline_that_has_passed_computes_nothing() {
        let answer: Result<(), _> = compute(1, 1).run(Duration::ZERO, Instant::now(), || unreachable!()).await;
        assert_eq!(answer, Err(ScoreError::Deadline));
    }
}
