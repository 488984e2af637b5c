//! Room for instances: one slot each, over all functions. A slot that only waits is taken from whoever waits longest.

use std::sync::{Arc, OnceLock, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Whoever can drop an instance that is not in use.
pub(crate) trait MakeRoom: Send + Sync {
    /// Drops the instance that has waited longest; whether there was one.
    fn make_room(&self) -> bool;
}

/// The slots of this host.
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    idle: OnceLock<Weak<dyn MakeRoom>>,
}

impl Slots {
    pub(crate) fn new(slots: u32) -> Self {
        Self { free: Arc::new(Semaphore::new(slots as usize)), idle: OnceLock::new() }
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
}
