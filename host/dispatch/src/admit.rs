//! Admission: a bounded number of calls at once, a bounded number that wait, and not for long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use host_core::event::{Failure, code};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::Config;

/// A door with a number of places behind it.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    most: u32,
    waiting: AtomicU32,
}

/// Why a call was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Every place is taken, and so is the queue; or the wait was over.
    Full,
    /// The caller went away.
    Cancelled,
}

/// How long and how many may wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queue {
    /// How many may wait.
    pub(crate) most: u32,
    /// How long.
    pub(crate) longest: Duration,
    /// Until when at the latest.
    pub(crate) deadline: Option<Instant>,
}

impl Queue {
    /// When somebody who begins to wait now gives up.
    fn until(&self) -> Instant {
        let longest = Instant::now() + self.longest;
        self.deadline.map_or(longest, |it| it.min(longest))
    }
}

impl Gate {
    /// A gate with `most` places.
    pub(crate) fn new(most: u32) -> Self {
        Self { places: Arc::new(Semaphore::new(most as usize)), most, waiting: AtomicU32::new(0) }
    }

    /// Takes a place, waiting in the queue where none is free.
    pub(crate) async fn enter(
        &self,
        queue: Queue,
        cancelled: &CancellationToken,
    ) -> Result<OwnedSemaphorePermit, Refused> {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => Ok(place),
            // Boxed, because most calls find a place and would only make room for the wait.
            Err(_) => Box::pin(self.wait(queue, cancelled)).await,
        }
    }

    async fn wait(&self, queue: Queue, cancelled: &CancellationToken) -> Result<OwnedSemaphorePermit, Refused> {
        let _waiting = Waiting::begin(&self.waiting, queue.most).ok_or(Refused::Full)?;
        let place = Arc::clone(&self.places).acquire_owned();
        tokio::select! {
            place = place => place.map_err(|_| Refused::Full),
            () = cancelled.cancelled() => Err(Refused::Cancelled),
            () = tokio::time::sleep_until(queue.until().into()) => Err(Refused::Full),
        }
    }

    /// Resolves when everyone has left.
    pub(crate) async fn empty(&self) {
        // A closed semaphore has nobody inside either; nothing closes this one.
        let _all = self.places.acquire_many(self.most).await;
    }

    /// How many are inside.
    pub(crate) fn inside(&self) -> usize {
        (self.most as usize).saturating_sub(self.places.available_permits())
    }
}

/// One that waits, for as long as this lives.
struct Waiting<'a>(&'a AtomicU32);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicU32, most: u32) -> Option<Self> {
        let before = waiting.fetch_add(1, Ordering::Relaxed);
        let this = Self(waiting);
        (before < most).then_some(this)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a caller who was not let in is told.
pub(crate) fn refusal(why: Refused, what: &str, config: &Config) -> Failure {
    match why {
        Refused::Cancelled => Failure::transient(code::CANCELLED, "the caller went away before the call began"),
        Refused::Full => {
            let mut failure = Failure::transient(code::OVERLOADED, format!("{what}; try again shortly"));
            failure.retry_after_ms = Some(u32::try_from(config.retry_after.0).unwrap_or(u32::MAX));
            failure
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(most: u32) -> Queue {
        Queue { most, longest: Duration::ZERO, deadline: None }
    }

    #[tokio::test]
    async fn a_full_gate_refuses_and_a_left_one_lets_in() {
        let (gate, here) = (Gate::new(1), CancellationToken::new());
        let place = gate.enter(queue(0), &here).await.unwrap();
        assert_eq!(gate.inside(), 1);
        assert_eq!(gate.enter(queue(0), &here).await.unwrap_err(), Refused::Full);
        assert_eq!(gate.enter(queue(1), &here).await.unwrap_err(), Refused::Full, "the wait was over at once");
        drop(place);
        drop(gate.enter(queue(0), &here).await.unwrap());
        gate.empty().await;
        assert_eq!(gate.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn one_who_waits_enters_when_a_place_is_left() {
        let (gate, here) = (Gate::new(1), CancellationToken::new());
        let place = gate.enter(queue(0), &here).await.unwrap();
        let far = Queue { most: 1, longest: Duration::from_secs(3_600), deadline: None };
        let (entered, ()) = tokio::join!(gate.enter(far, &here), async { drop(place) });
        assert!(entered.is_ok());
    }

    #[tokio::test]
    async fn one_who_went_away_waits_no_longer() {
        let (gate, here) = (Gate::new(1), CancellationToken::new());
        let _place = gate.enter(queue(0), &here).await.unwrap();
        let far = Queue { most: 1, longest: Duration::from_secs(3_600), deadline: None };
        let (refused, ()) = tokio::join!(gate.enter(far, &here), async { here.cancel() });
        assert_eq!(refused.unwrap_err(), Refused::Cancelled);
    }
}
