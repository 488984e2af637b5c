//! The CPU time a guest takes, read from the clocks of the thread that runs it.
//!
//! Asking the system for a thread's CPU time costs as much as a short call. So a poll that is over within [`SHORT`]
//! counts as long as it took: nothing takes its thread away for long within such a time. After a long one the thread's
//! CPU clock is read as well, and a long poll counts what that clock says, held against its last reading, which is at
//! most [`FRESH`] older than the poll. What is wrong with a call is therefore less than a tenth of a long poll, and next
//! to nothing over many: a busy thread computes from that reading to the poll, an idle one reads anew. A long poll that
//! comes alone counts as long as it took.
//!
//! On a busy machine a poll may take long because its thread had to wait. So the clock is read for [`WARY`] after a poll
//! that computed for long, and only for [`DOUBTFUL`] after one of which nobody knows.

use std::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use cpu_time::ThreadTime;

/// Polls up to this are taken by the wall clock.
const SHORT: Duration = Duration::from_millis(1);

/// How old a reading of the thread's CPU clock may be when a poll begins.
const FRESH: Duration = Duration::from_micros(100);

/// How long a thread that computed for long in a poll expects another such.
const WARY: Duration = Duration::from_secs(1);

/// How long it expects one after a poll that took long for whatever reason.
const DOUBTFUL: Duration = Duration::from_millis(10);

thread_local! {
    /// Until when a long poll is expected.
    static WARY_UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
    static LAST: Cell<Option<Reading>> = const { Cell::new(None) };
}

/// Both clocks of a thread, read at once.
#[derive(Clone, Copy)]
struct Reading {
    cpu: ThreadTime,
    at: Instant,
}

impl Reading {
    /// One that is fresh at `now`, where a long poll may come. A platform without such a clock has none.
    fn near(now: Instant) -> Option<Self> {
        WARY_UNTIL.get().filter(|it| now <= *it)?;
        let last = LAST.get().filter(|it| now.duration_since(it.at) <= FRESH);
        last.or_else(|| {
            let reading = ThreadTime::try_now().ok().map(|cpu| Self { cpu, at: now });
            LAST.set(reading);
            reading
        })
    }

    /// What the thread computed since `began`, which was soon after this reading: until then it was busy.
    fn since(&self, began: Instant) -> Option<Duration> {
        let all = self.cpu.try_elapsed().ok()?;
        Some(all.saturating_sub(began.duration_since(self.at)))
    }
}

/// A future that adds up the CPU time of its own polls.
pub(crate) struct Metered<F> {
    future: F,
    cpu: Duration,
    polled_at: Option<Instant>,
}

impl<F> Metered<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future, cpu: Duration::ZERO, polled_at: None }
    }

    /// The CPU time so far.
    pub(crate) fn cpu(&self) -> Duration {
        self.cpu
    }

    /// When its last poll was over.
    pub(crate) fn polled_at(&self) -> Instant {
        self.polled_at.unwrap_or_else(Instant::now)
    }
}

impl<F: Future + Unpin> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let began = Instant::now();
        let reading = Reading::near(began);
        let polled = Pin::new(&mut self.future).poll(context);
        let ended = Instant::now();
        self.polled_at = Some(ended);
        let took = ended.duration_since(began);
        self.cpu += if took > SHORT { computed(reading, began, ended) } else { took };
        polled
    }
}

/// The CPU time of a long poll, as far as it is known; and how long to expect another.
fn computed(reading: Option<Reading>, began: Instant, ended: Instant) -> Duration {
    let took = ended.duration_since(began);
    let known = reading.and_then(|it| it.since(began)).map(|cpu| cpu.min(took));
    let wary = if known.is_some_and(|cpu| cpu > SHORT) { WARY } else { DOUBTFUL };
    WARY_UNTIL.set(WARY_UNTIL.get().max(ended.checked_add(wary)));
    known.unwrap_or(took)
}

#[cfg(test)]
mod tests {
    use std::{hint::black_box, task::Waker};

    use super::*;

    /// What the meter says of `polls` polls of `work`, and what the thread's own clock says.
    fn measured(polls: u32, work: impl Fn()) -> (Duration, Duration) {
        let mut left = polls;
        let mut metered = Metered::new(std::future::poll_fn(|_| {
            work();
            left -= 1;
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        }));
        let before = ThreadTime::try_now().unwrap();
        let mut context = Context::from_waker(Waker::noop());
        while Pin::new(&mut metered).poll(&mut context).is_pending() {}
        (metered.cpu(), before.try_elapsed().unwrap())
    }

    fn compute(rounds: u64) {
        black_box((0..rounds).fold(0_u64, |sum, n| black_box(sum ^ n.wrapping_mul(31))));
    }

    #[test]
    fn long_polls_count_what_they_computed() {
        let (said, truth) = measured(20, || compute(3_000_000));
        assert!(said.abs_diff(truth) <= truth / 20, "{said:?} of {truth:?}");
    }
}
