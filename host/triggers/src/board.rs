//! What a running trigger tells of itself: state, counts, lag. Written on the way of every batch, read by people.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use host_core::ports::{TriggerId, TriggerState, TriggerStatus};
use jiff::Timestamp;
use parking_lot::Mutex;

/// Over which time rates are told.
const WINDOW: Duration = Duration::from_secs(60);
/// Stands for a lag that is not known.
const UNKNOWN: u64 = u64::MAX;

/// The board of one trigger.
pub(crate) struct Board {
    id: TriggerId,
    kind: &'static str,
    reads: String,
    events: AtomicU64,
    failures: AtomicU64,
    letters: AtomicU64,
    lag: AtomicU64,
    /// Microseconds since the epoch; 0 for never.
    last: AtomicU64,
    state: Mutex<(TriggerState, Option<String>)>,
    next: Mutex<Option<Timestamp>>,
    /// How many events there were at a few moments of the last minute.
    marks: Mutex<VecDeque<(Instant, u64)>>,
}

impl Board {
    /// The board of a trigger that has not begun.
    pub(crate) fn new(id: TriggerId, kind: &'static str, reads: String) -> Self {
        Self {
            id,
            kind,
            reads,
            events: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            letters: AtomicU64::new(0),
            lag: AtomicU64::new(UNKNOWN),
            last: AtomicU64::new(0),
            state: Mutex::new((TriggerState::Starting, None)),
            next: Mutex::default(),
            marks: Mutex::default(),
        }
    }

    /// The board of a source that takes the place of another: what was counted before still counts.
    pub(crate) fn after(before: Option<&Self>, id: TriggerId, kind: &'static str, reads: String) -> Self {
        let mut board = Self::new(id, kind, reads);
        if let Some(before) = before.filter(|it| it.kind == kind) {
            let same = |count: &AtomicU64| AtomicU64::new(count.load(Relaxed));
            (board.events, board.failures) = (same(&before.events), same(&before.failures));
            (board.letters, board.last) = (same(&before.letters), same(&before.last));
            *board.marks.lock() = before.marks.lock().clone();
        }
        board
    }

    /// It is in this state now, for this reason; whether that is news.
    pub(crate) fn state(&self, state: TriggerState, cause: Option<String>) -> bool {
        let mut now = self.state.lock();
        let is_news = *now != (state, cause.clone());
        *now = (state, cause);
        is_news
    }

    /// So many events were settled just now.
    pub(crate) fn settled(&self, events: u64, at: Timestamp) {
        self.events.fetch_add(events, Relaxed);
        self.last.store(u64::try_from(at.as_microsecond()).unwrap_or(0), Relaxed);
    }

    /// So many attempts failed.
    pub(crate) fn failed(&self, attempts: u64) {
        self.failures.fetch_add(attempts, Relaxed);
    }

    /// So many events were given up.
    pub(crate) fn buried(&self, events: u64) {
        self.letters.fetch_add(events, Relaxed);
    }

    /// So many events wait at the broker, where that is known.
    pub(crate) fn lag(&self, events: Option<u64>) {
        self.lag.store(events.unwrap_or(UNKNOWN), Relaxed);
    }

    /// The clock strikes next at this moment.
    pub(crate) fn next(&self, at: Option<Timestamp>) {
        *self.next.lock() = at;
    }

    /// How it is doing.
    pub(crate) fn status(&self) -> TriggerStatus {
        let (state, cause) = self.state.lock().clone();
        let events = self.events.load(Relaxed);
        TriggerStatus {
            id: self.id.clone(),
            kind: self.kind.to_owned(),
            reads: self.reads.clone(),
            state,
            cause,
            lag: Some(self.lag.load(Relaxed)).filter(|it| *it != UNKNOWN),
            events,
            per_second: self.rate(events, Instant::now()),
            failures: self.failures.load(Relaxed),
            dead_letters: self.letters.load(Relaxed),
            last_event_at: Some(self.last.load(Relaxed)).filter(|it| *it > 0).and_then(moment),
            next_at: *self.next.lock(),
        }
    }

    /// Notes how many events there are, once in a while, so that a rate can be told.
    pub(crate) fn mark(&self, now: Instant) {
        let mut marks = self.marks.lock();
        marks.push_back((now, self.events.load(Relaxed)));
        while marks.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW) {
            marks.pop_front();
        }
    }

    fn rate(&self, events: u64, now: Instant) -> f64 {
        let Some((at, before)) = self.marks.lock().front().copied() else { return 0.0 };
        let span = now.saturating_duration_since(at).as_secs_f64();
        if span > 0.0 { rounded(events.saturating_sub(before), span) } else { 0.0 }
    }
}

/// To a tenth, so that it can be read.
fn rounded(events: u64, span: f64) -> f64 {
    let events = f64::from(u32::try_from(events).unwrap_or(u32::MAX));
    (events / span * 10.0).round() / 10.0
}

fn moment(microseconds: u64) -> Option<Timestamp> {
    Timestamp::from_microsecond(i64::try_from(microseconds).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> Board {
        let default = host_core::Name::default_project();
        let id = TriggerId { project: default.clone(), function: default, name: "kafka".into() };
        Board::new(id, "kafka", "orders".into())
    }

    #[test]
    fn a_board_tells_what_was_written_on_it() {
        let board = board();
        assert_eq!((board.status().state, board.status().lag), (TriggerState::Starting, None));
        assert!(board.state(TriggerState::Failing, Some("no broker".into())));
        assert!(!board.state(TriggerState::Failing, Some("no broker".into())), "that is no news");
        board.settled(3, Timestamp::from_second(7).unwrap());
        board.failed(2);
        board.buried(1);
        board.lag(Some(9));
        let status = board.status();
        assert_eq!((status.events, status.failures, status.dead_letters, status.lag), (3, 2, 1, Some(9)));
        assert_eq!(
            (status.cause.as_deref(), status.last_event_at),
            (Some("no broker"), Timestamp::from_second(7).ok())
        );
    }

    #[test]
    fn a_rate_is_that_of_the_last_minute() {
        let (board, start) = (board(), Instant::now());
        board.mark(start);
        board.settled(600, Timestamp::UNIX_EPOCH);
        assert!((board.rate(600, start + Duration::from_secs(60)) - 10.0).abs() < f64::EPSILON);
        board.mark(start + Duration::from_secs(61));
        assert!(board.rate(600, start + Duration::from_secs(71)).abs() < f64::EPSILON, "the rest was longer ago");
    }

    #[test]
    fn what_was_counted_before_still_counts_for_the_same_kind() {
        let before = board();
        before.settled(5, Timestamp::from_second(7).unwrap());
        let id = before.id.clone();
        assert_eq!(Board::after(Some(&before), id.clone(), "kafka", "others".into()).status().events, 5);
        assert_eq!(Board::after(Some(&before), id, "amqp", "orders".into()).status().events, 0);
    }
}
