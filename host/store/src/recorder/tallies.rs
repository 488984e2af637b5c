//! Exact totals in memory, until they are added to those of the database.

use std::{
    cell::Cell,
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use foldhash::fast::RandomState;
use host_core::{
    RevisionId,
    record::{Tally, Verdict},
};
use parking_lot::Mutex;

/// Which total: one revision, one second, one verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) revision: RevisionId,
    pub(super) second: i64,
    pub(super) verdict: Verdict,
}

/// What has been added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) calls: u64,
    pub(super) events: u64,
    pub(super) duration_us: u64,
    pub(super) longest_us: u64,
    pub(super) cpu_us: u64,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
}

/// Calls of one revision that ended in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The code that ran.
    pub revision: RevisionId,
    /// How the calls ended.
    pub verdict: Verdict,
    /// How many.
    pub calls: u64,
    /// How many events they were given.
    pub events: u64,
    /// How long they took together, microseconds.
    pub duration_us: u64,
}

/// Threads count side by side, each mostly in a shard of its own.
const SHARDS: usize = 16;
/// Beyond this many totals in a shard, while the database is away, seconds are added up to minutes: exact, only coarser.
const MOST: usize = 8_192;

#[derive(Debug, Default)]
pub(super) struct Tallies {
    shards: [Mutex<HashMap<Key, Sum, RandomState>>; SHARDS],
    /// What was written since somebody counted last, by revision and verdict.
    written: Mutex<HashMap<(RevisionId, Verdict), Sum>>,
}

impl Tallies {
    pub(super) fn add(&self, tally: &Tally) {
        let second = tally.started_at.as_second();
        let sum = Sum {
            calls: 1,
            events: u64::from(tally.events),
            duration_us: tally.usage.duration_us,
            longest_us: tally.usage.duration_us,
            cpu_us: tally.usage.cpu_us,
            bytes_in: tally.usage.bytes_in,
            bytes_out: tally.usage.bytes_out,
        };
        let mut shard = self.shards[shard()].lock();
        let second = if shard.len() < MOST { second } else { second - second.rem_euclid(60) };
        shard.entry(Key { revision: tally.revision, second, verdict: tally.verdict }).or_default().add(&sum);
    }

    /// Takes everything out.
    pub(super) fn take(&self) -> HashMap<Key, Sum> {
        let mut all = HashMap::new();
        for shard in &self.shards {
            for (key, sum) in std::mem::take(&mut *shard.lock()) {
                all.entry(key).or_insert_with(Sum::default).add(&sum);
            }
        }
        all
    }

    /// Notes what was written.
    pub(super) fn wrote(&self, totals: &HashMap<Key, Sum>) {
        let mut written = self.written.lock();
        for (key, sum) in totals {
            written.entry((key.revision, key.verdict)).or_default().add(sum);
        }
    }

    /// What was written since this was asked last.
    pub(super) fn take_written(&self) -> Vec<Counted> {
        let written = std::mem::take(&mut *self.written.lock());
        let counted = written.into_iter().map(|((revision, verdict), sum)| Counted {
            revision,
            verdict,
            calls: sum.calls,
            events: sum.events,
            duration_us: sum.duration_us,
        });
        counted.collect()
    }

    /// Puts back what could not be written.
    pub(super) fn put_back(&self, all: HashMap<Key, Sum>) {
        for (at, (mut key, sum)) in all.into_iter().enumerate() {
            let mut shard = self.shards[at % SHARDS].lock();
            if shard.len() >= MOST {
                key.second -= key.second.rem_euclid(60);
            }
            shard.entry(key).or_default().add(&sum);
        }
    }
}

impl Sum {
    pub(super) fn add(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.events = self.events.saturating_add(other.events);
        self.duration_us = self.duration_us.saturating_add(other.duration_us);
        self.longest_us = self.longest_us.max(other.longest_us);
        self.cpu_us = self.cpu_us.saturating_add(other.cpu_us);
        self.bytes_in = self.bytes_in.saturating_add(other.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
    }
}

fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
    }
    MINE.get()
}

#[cfg(test)]
mod tests {
    use host_core::call::Usage;
    use jiff::Timestamp;

    use super::*;

    fn tally(revision: RevisionId, second: i64, duration_us: u64) -> Tally {
        let usage = Usage { duration_us, ..Usage::default() };
        Tally { revision, verdict: Verdict::Ok, events: 2, started_at: Timestamp::from_second(second).unwrap(), usage }
    }

    #[test]
    fn calls_of_one_second_add_up() {
        let (tallies, revision) = (Tallies::default(), RevisionId::next());
        for (second, duration) in [(7, 10), (7, 30), (8, 20)] {
            tallies.add(&tally(revision, second, duration));
        }
        let all = tallies.take();
        let sum = all[&Key { revision, second: 7, verdict: Verdict::Ok }];
        assert_eq!((sum.calls, sum.events, sum.duration_us, sum.longest_us), (2, 4, 40, 30));
        assert_eq!(all.len(), 2);
        assert!(tallies.take().is_empty());
    }

    #[test]
    fn nothing_is_lost_however_long_the_database_is_away() {
        let (tallies, revision) = (Tallies::default(), RevisionId::next());
        let seconds = 3 * (MOST * SHARDS) as i64;
        for second in 0..seconds {
            tallies.add(&tally(revision, second, 1));
            if second == seconds / 2 {
                tallies.put_back(tallies.take());
            }
        }
        let all = tallies.take();
        assert_eq!(all.values().map(|sum| sum.calls).sum::<u64>(), seconds as u64);
        assert!(all.len() < MOST * SHARDS + (seconds / 60) as usize + SHARDS);
    }
}
