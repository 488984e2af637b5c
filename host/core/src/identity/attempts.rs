//! How often an address may show what is not right before it has to wait.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

/// How many addresses are remembered; beyond that, new ones are not counted until old ones are forgotten.
const ADDRESSES: usize = 4_096;

/// Failed attempts by address, each forgotten a while after its first.
#[derive(Debug)]
pub struct Attempts {
    most: u32,
    window: Duration,
    failed: HashMap<IpAddr, (u32, Instant)>,
}

impl Attempts {
    /// At most `most` failures in each `window`.
    #[must_use]
    pub fn new(most: u32, window: Duration) -> Self {
        Self { most, window, failed: HashMap::new() }
    }

    /// How long the address has to wait before it may try again, if it has to.
    #[must_use]
    pub fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let (count, since) = self.failed.get(&address)?;
        let left = self.window.saturating_sub(now.saturating_duration_since(*since));
        (*count >= self.most && !left.is_zero()).then_some(left)
    }

    /// How many addresses are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.failed.len()
    }

    /// Counts a failure.
    pub fn fail(&mut self, address: IpAddr, now: Instant) {
        let window = self.window;
        let is_over = |since: Instant| now.saturating_duration_since(since) >= window;
        if self.failed.len() >= ADDRESSES && !self.failed.contains_key(&address) {
            self.failed.retain(|_, (_, since)| !is_over(*since));
            if self.failed.len() >= ADDRESSES {
                return;
            }
        }
        let (count, since) = self.failed.entry(address).or_insert((0, now));
        if is_over(*since) {
            (*count, *since) = (0, now);
        }
        *count = count.saturating_add(1);
    }
}
