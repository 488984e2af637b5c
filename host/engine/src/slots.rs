//! Room for instances: one slot each, over all functions. A slot that only waits is taken from whoever waits longest.

use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Whoever can drop an instance that is not in use.
pub(crate) trait MakeRoom: Send + Sync {
    /// Drops the instance that has waited longest; whether there was one.
    fn make_room(&self) -> bool;
}

/// How often somebody who waits for a slot looks for an idle instance that slipped by.
const LOOK: Duration = Duration::from_millis(20);

/// The slots of this host.
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    /// How many wait for a slot: instances are not kept warm as long as somebody does.
    waiting: AtomicUsize,
    idle: OnceLock<Weak<dyn MakeRoom>>,
}

impl Slots {
    pub(crate) fn new(slots: u32) -> Self {
        Self { free: Arc::new(Semaphore::new(slots as usize)), waiting: AtomicUsize::new(0), idle: OnceLock::new() }
    }

    /// Says who can make room once all slots are taken.
    pub(crate) fn ask(&self, whoever: Weak<dyn MakeRoom>) {
        // It is said once, when the engine is made.
        let _ = self.idle.set(whoever);
    }

    /// A free slot.
    pub(crate) fn take(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(slot) = self.free.clone().try_acquire_owned() {
                return Some(slot);
            }
            let made = self.idle.get().and_then(Weak::upgrade).is_some_and(|it| it.make_room());
            if !made {
                return None;
            }
        }
    }

    /// A slot as soon as there is one. Whoever may not wait takes none from those who do.
    pub(crate) async fn wait(&self) -> OwnedSemaphorePermit {
        let _waiting = Waiting::new(&self.waiting);
        loop {
            if let Some(slot) = self.take() {
                return slot;
            }
            let freed = tokio::time::timeout(LOOK, self.free.clone().acquire_owned()).await;
            // The semaphore is never closed.
            if let Ok(Ok(slot)) = freed {
                return slot;
            }
        }
    }

    /// Whether somebody waits for a slot.
    pub(crate) fn are_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// One who waits.
struct Waiting<'s>(&'s AtomicUsize);

impl<'s> Waiting<'s> {
    fn new(waiting: &'s AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Holds a slot until it is asked for it.
    #[derive(Default)]
    struct Idle(Mutex<Vec<OwnedSemaphorePermit>>);

    impl MakeRoom for Idle {
        fn make_room(&self) -> bool {
            self.0.lock().unwrap().pop().is_some()
        }
    }

    #[tokio::test]
    async fn whoever_waits_gets_the_next_slot_that_is_given_back() {
        let slots = Slots::new(1);
        let held = slots.take().unwrap();
        assert!(slots.take().is_none() && !slots.are_wanted());
        let mut waits = std::pin::pin!(slots.wait());
        assert!(futures_util::poll!(waits.as_mut()).is_pending());
        assert!(slots.are_wanted(), "so that nobody keeps an instance warm");
        drop(held);
        let slot = waits.await;
        assert!(slots.take().is_none() && !slots.are_wanted());
        drop(slot);
    }

    #[tokio::test]
    async fn whoever_waits_takes_the_slot_of_an_idle_instance() {
        let (slots, idle) = (Slots::new(1), Arc::new(Idle::default()));
        let whoever: Weak<dyn MakeRoom> = Arc::downgrade(&(idle.clone() as Arc<dyn MakeRoom>));
        slots.ask(whoever);
        let held = slots.take().unwrap();
        let mut waits = std::pin::pin!(slots.wait());
        assert!(futures_util::poll!(waits.as_mut()).is_pending());
        idle.0.lock().unwrap().push(held);
        drop(waits.await);
    }
}
