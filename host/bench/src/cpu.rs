//! The CPU time that a process has spent, to the nanosecond, as the scheduler counts it.

use std::{
    collections::BTreeMap,
    fs, thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

/// How much CPU an idle server may spend in [`GLANCE`]: its tickers, not work.
const IDLE: Duration = Duration::from_millis(2);

/// How long one look at whether a server is idle takes.
const GLANCE: Duration = Duration::from_millis(50);

/// How long a server may go on working after its load has ended.
const AFTERMATH: Duration = Duration::from_secs(3);

/// What each thread of a process has spent so far, nanoseconds by thread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Spent(BTreeMap<u32, u64>);

impl Spent {
    /// What the threads of process `pid` have spent so far.
    pub(crate) fn by(pid: u32) -> Result<Self> {
        let folder = format!("/proc/{pid}/task");
        let threads = fs::read_dir(&folder).with_context(|| format!("could not read {folder}"))?;
        let numbers = threads.flatten().filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
        // A thread may end between the two reads; what it spent since the last look is lost with it.
        let spent = |thread: u32| nanoseconds(&fs::read_to_string(format!("{folder}/{thread}/schedstat")).ok()?);
        Ok(Self(numbers.filter_map(|it| Some((it, spent(it)?))).collect()))
    }

    /// What was spent between `earlier` and now.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let before = |thread: &u32| earlier.0.get(thread).copied().unwrap_or(0);
        Duration::from_nanos(self.0.iter().map(|(thread, spent)| spent.saturating_sub(before(thread))).sum())
    }
}

/// Waits until process `pid` does nothing any more, such as writing the records of its last calls.
///
/// What it does after its load belongs to that load, and must not fall on the next.
pub(crate) fn wait_until_idle(pid: u32) -> Result<Spent> {
    let until = Instant::now() + AFTERMATH;
    let mut before = Spent::by(pid)?;
    loop {
        thread::sleep(GLANCE);
        let now = Spent::by(pid)?;
        if now.since(&before) <= IDLE || Instant::now() >= until {
            return Ok(now);
        }
        before = now;
    }
}

/// The first number: time on a CPU. The others are time in the queue and how often it got a turn.
fn nanoseconds(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_came_and_went_do_not_disturb_the_sum() {
        let earlier = Spent([(1, 1_000), (2, 500)].into());
        let now = Spent([(1, 4_000), (3, 700)].into());
        assert_eq!(now.since(&earlier), Duration::from_nanos(3_700));
    }

    #[test]
    fn the_first_number_of_schedstat_is_what_counts() {
        assert_eq!(nanoseconds("1684388 22 1\n"), Some(1_684_388));
        assert_eq!(nanoseconds(""), None);
    }

    #[test]
    fn every_process_has_threads() {
        assert!(!Spent::by(std::process::id()).unwrap().0.is_empty());
    }
}
