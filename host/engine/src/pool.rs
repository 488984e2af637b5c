//! Warm instances of one function, waiting for their next call.

use std::{collections::VecDeque, time::Instant};

use parking_lot::Mutex;

use crate::instance::Instance;

/// Idle instances, the one used last at the back: it is lent first, so that the others can grow old.
pub(crate) struct Pool {
    most: usize,
    uses: u32,
    idle: Mutex<Idle>,
}

struct Idle {
    instances: VecDeque<Instance>,
    is_closed: bool,
}

impl Pool {
    /// At most `most` instances, each for at most `uses` calls.
    pub(crate) fn new(most: usize, uses: u32) -> Self {
        Self { most, uses, idle: Mutex::new(Idle { instances: VecDeque::new(), is_closed: false }) }
    }

    /// An instance that is still of use. It comes out of the lock before anything is asked about it.
    pub(crate) fn take(&self) -> Option<Instance> {
        loop {
            let instance = self.idle.lock().instances.pop_back()?;
            if instance.store.data().is_up_to_date() {
                return Some(instance);
            }
        }
    }

    /// Keeps an instance that is idle since `since` for later, unless it is worn or there are enough.
    pub(crate) fn put(&self, mut instance: Instance, since: Instant) {
        if instance.uses() >= self.uses || !instance.is_sound() {
            return;
        }
        instance.idle_since = since;
        let mut idle = self.idle.lock();
        if !idle.is_closed && idle.instances.len() < self.most {
            idle.instances.push_back(instance);
        } else {
            // Dropping an instance takes a while; nobody else should wait for that.
            drop(idle);
            drop(instance);
        }
    }

    /// Since when the oldest instance waits.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.idle.lock().instances.front().map(|it| it.idle_since)
    }

    /// Takes out the oldest instance, to make room.
    pub(crate) fn take_oldest(&self) -> Option<Instance> {
        self.idle.lock().instances.pop_front()
    }

    /// Drops the instances that have been idle since before `then`.
    pub(crate) fn sweep(&self, then: Instant) {
        while self.oldest().is_some_and(|since| since < then) {
            drop(self.take_oldest());
        }
    }

    /// Drops every instance, now and from now on.
    pub(crate) fn close(&self) {
        let instances = {
            let mut idle = self.idle.lock();
            idle.is_closed = true;
            std::mem::take(&mut idle.instances)
        };
        drop(instances);
    }
}
