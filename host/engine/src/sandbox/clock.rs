//! A clock that only the job itself moves: a microsecond with every reading, and by the whole wait on a sleep.

use std::collections::HashMap;

use wasmtime::component::Resource;
use wasmtime_wasi::{
    async_trait,
    p2::{
        DynPollable, Pollable,
        bindings::clocks::{
            monotonic_clock::{self, Duration, Instant},
            wall_clock::{self, Datetime},
        },
        subscribe,
    },
};

use crate::guest::Guest;

/// How far one reading moves the clock: a program that waits for time to pass sees it pass.
const STEP_NS: u64 = 1000;

/// The most timers at once.
const TIMERS: usize = 10_000;

/// Both clocks of a job.
pub(super) struct VirtualClock {
    start_ns: u64,
    elapsed_ns: u64,
    /// When each timer is due, by the pollable that stands for it.
    timers: HashMap<u32, u64>,
}

impl VirtualClock {
    /// A clock that starts at `start` nanoseconds since the epoch; WASI knows no time before it.
    pub(super) fn starting_at(start: i128) -> Self {
        Self { start_ns: u64::try_from(start.max(0)).unwrap_or(u64::MAX), elapsed_ns: 0, timers: HashMap::new() }
    }

    /// Reads the clock, and so moves it.
    pub(super) fn read(&mut self) -> u64 {
        let now = self.elapsed_ns;
        self.elapsed_ns = now.saturating_add(STEP_NS);
        now
    }

    /// Lets time pass until `when`.
    pub(super) fn advance_to(&mut self, when: u64) {
        self.elapsed_ns = self.elapsed_ns.max(when);
    }

    /// How long it is until `when`.
    pub(super) fn until(&self, when: u64) -> std::time::Duration {
        std::time::Duration::from_nanos(when.saturating_sub(self.elapsed_ns))
    }

    /// When a pollable is due, if it is a timer.
    pub(super) fn due(&self, pollable: u32) -> Option<u64> {
        self.timers.get(&pollable).copied()
    }

    /// Whether a moment has come.
    pub(super) fn has_come(&self, when: u64) -> bool {
        when <= self.elapsed_ns
    }

    /// Forgets a timer.
    pub(super) fn forget(&mut self, pollable: u32) {
        self.timers.remove(&pollable);
    }

    fn wall(&mut self) -> Datetime {
        let now = self.start_ns.saturating_add(self.read());
        let nanoseconds = u32::try_from(now % 1_000_000_000).unwrap_or(0);
        Datetime { seconds: now / 1_000_000_000, nanoseconds }
    }
}

/// What a timer's pollable is made of. Who polls it asks the clock, not this.
struct Timer;

#[async_trait]
impl Pollable for Timer {
    async fn ready(&mut self) {}
}

impl Guest {
    fn timer(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        if self.sandbox()?.clock.timers.len() >= TIMERS {
            wasmtime::bail!("a job may have {TIMERS} timers at once");
        }
        let timer = self.table.push(Timer)?;
        let pollable = subscribe(&mut self.table, timer)?;
        self.sandbox()?.clock.timers.insert(pollable.rep(), when);
        Ok(pollable)
    }
}

impl monotonic_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<Instant> {
        Ok(self.sandbox()?.clock.read())
    }

    fn resolution(&mut self) -> wasmtime::Result<Duration> {
        Ok(STEP_NS)
    }

    fn subscribe_instant(&mut self, when: Instant) -> wasmtime::Result<Resource<DynPollable>> {
        self.timer(when)
    }

    fn subscribe_duration(&mut self, duration: Duration) -> wasmtime::Result<Resource<DynPollable>> {
        let now = self.sandbox()?.clock.elapsed_ns;
        self.timer(now.saturating_add(duration))
    }
}

impl wall_clock::Host for Guest {
    fn now(&mut self) -> wasmtime::Result<Datetime> {
        Ok(self.sandbox()?.clock.wall())
    }

    fn resolution(&mut self) -> wasmtime::Result<Datetime> {
        Ok(Datetime { seconds: 0, nanoseconds: 1000 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_and_waits_move_both_clocks_alike() {
        let mut clock = VirtualClock::starting_at(946_684_800_000_000_000);
        assert_eq!(clock.read(), 0);
        assert_eq!(clock.read(), 1000);
        clock.advance_to(5_000_000_000);
        let wall = clock.wall();
        assert_eq!((wall.seconds, wall.nanoseconds), (946_684_805, 0));
        clock.advance_to(0);
        assert_eq!(clock.read(), 5_000_001_000, "time never goes back");
    }
}
