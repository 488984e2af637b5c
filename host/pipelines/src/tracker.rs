//! Collects what a running job tells of itself, and writes it to the journal behind its back.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use host_core::{
    artifact::Kind,
    clock::Clock,
    ports::{Journal, JournalError, Track, Tracked},
    run::{MetricPoint, Progress, StepKey, float},
};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

/// How often the last of what a job tracked is written while the store fails.
const LAST_ATTEMPTS: u32 = 10;

/// How many points go with the settlement of the step; more are written before it, so that it stays short.
const LITTLE: usize = 500;

/// What an output is for and what is in it, as the job described it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Description {
    pub(crate) kind: Kind,
    pub(crate) metadata: Value,
}

#[derive(Debug, Default)]
struct State {
    pending: Tracked,
    results: Map<String, Value>,
    params: Map<String, Value>,
    outputs: BTreeMap<String, Description>,
    dropped: u64,
}

/// The tracked side of one attempt of a step.
#[derive(Debug)]
pub(crate) struct Tracker {
    key: StepKey,
    attempt: u32,
    most: usize,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl Tracker {
    pub(crate) fn new(key: StepKey, attempt: u32, most: usize, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { key, attempt, most, clock, state: Mutex::default() })
    }

    /// Everything told so far as results: metrics stand there by their last value.
    pub(crate) fn results(&self) -> Map<String, Value> {
        self.lock().results.clone()
    }

    /// The parameters the job chose itself.
    pub(crate) fn params(&self) -> Map<String, Value> {
        self.lock().params.clone()
    }

    /// What the job said of an output.
    pub(crate) fn description(&self, output: &str) -> Option<Description> {
        self.lock().outputs.get(output).cloned()
    }

    /// How many points did not fit between two writes.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Whether what is pending is little enough to be written with something else.
    pub(crate) fn is_little(&self) -> bool {
        self.lock().pending.metrics.len() <= LITTLE
    }

    /// Gives away what is pending: whoever asks writes it.
    pub(crate) fn unwritten(&self) -> Tracked {
        std::mem::take(&mut self.lock().pending)
    }

    /// Writes what is pending. A write that fails is tried again with the next one.
    pub(crate) async fn flush(&self, journal: &dyn Journal) -> Result<(), JournalError> {
        let pending = std::mem::take(&mut self.lock().pending);
        if pending == Tracked::default() {
            return Ok(());
        }
        let written = journal.track(&self.key, self.attempt, pending.clone()).await;
        if matches!(written, Err(JournalError::Storage(_))) {
            self.put_back(pending);
        }
        written
    }

    /// Flushes until stopped; the last flush is the caller's.
    pub(crate) async fn flush_every(&self, period: Duration, journal: &dyn Journal, stop: &CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(period)).await.is_some() {
            if let Err(error) = self.flush(journal).await {
                tracing::debug!(step = self.key.label(), %error, "could not write what a step tracked");
            }
        }
    }

    /// Writes what is left once the job is over, waiting a little longer each time the store fails.
    pub(crate) async fn flush_last(&self, period: Duration, journal: &dyn Journal) -> Result<(), JournalError> {
        for attempt in 1..LAST_ATTEMPTS {
            match self.flush(journal).await {
                Err(JournalError::Storage(_)) => tokio::time::sleep(period * attempt).await,
                written => return written,
            }
        }
        self.flush(journal).await
    }

    /// As many points are kept as fit, the earliest first: a store that is away for long must not fill the memory.
    fn put_back(&self, mut earlier: Tracked) {
        let mut state = self.lock();
        let room = self.most.saturating_sub(earlier.metrics.len());
        state.dropped += state.pending.metrics.len().saturating_sub(room) as u64;
        state.pending.metrics.truncate(room);
        earlier.params.append(&mut state.pending.params);
        earlier.results.append(&mut state.pending.results);
        earlier.metrics.append(&mut state.pending.metrics);
        earlier.progress = state.pending.progress.take().or(earlier.progress);
        state.pending = earlier;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Track for Tracker {
    fn param(&self, name: &str, value: Value) {
        let mut state = self.lock();
        state.params.insert(name.to_owned(), value.clone());
        state.pending.params.insert(name.to_owned(), value);
    }

    fn result(&self, name: &str, value: Value) {
        let mut state = self.lock();
        state.results.insert(name.to_owned(), value.clone());
        state.pending.results.insert(name.to_owned(), value);
    }

    fn metric(&self, name: &str, value: f64, at_step: Option<i64>) {
        let at = self.clock.now();
        let mut state = self.lock();
        // What is no number in JSON is one of the words that selectors and conditions know.
        let last = float::serialize(&value, serde_json::value::Serializer).unwrap_or_default();
        state.results.insert(name.to_owned(), last.clone());
        state.pending.results.insert(name.to_owned(), last);
        if state.pending.metrics.len() < self.most {
            state.pending.metrics.push(MetricPoint {
                key: self.key.clone(),
                name: name.to_owned(),
                value,
                at_step,
                at,
            });
        } else {
            state.dropped += 1;
        }
    }

    fn progress(&self, fraction: f64, message: &str) {
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        self.lock().pending.progress = Some(Progress { fraction, message: message.to_owned() });
    }

    fn describe(&self, output: &str, kind: Kind, metadata: Value) {
        self.lock().outputs.insert(output.to_owned(), Description { kind, metadata });
    }
}

#[cfg(test)]
mod tests {
    use host_core::{RunId, clock::ManualClock};

    use super::*;

    fn tracker(most: usize) -> Arc<Tracker> {
        let key = StepKey { run: RunId::next(), step: "train".to_owned(), trial: None };
        Tracker::new(key, 1, most, Arc::new(ManualClock::at(jiff::Timestamp::UNIX_EPOCH)))
    }

    fn losses(tracker: &Tracker) -> Vec<f64> {
        tracker.lock().pending.metrics.iter().map(|it| it.value).collect()
    }

    #[test]
    fn points_that_do_not_fit_are_counted() {
        let tracker = tracker(2);
        (0..5).for_each(|it| tracker.metric("loss", f64::from(it), None));
        assert_eq!((losses(&tracker), tracker.dropped()), (vec![0.0, 1.0], 3));
    }

    #[test]
    fn what_is_put_back_comes_first_and_never_makes_more_than_fit() {
        let tracker = tracker(3);
        tracker.metric("loss", 1.0, None);
        tracker.metric("loss", 2.0, None);
        tracker.progress(0.1, "begun");
        let unwritten = std::mem::take(&mut tracker.lock().pending);
        tracker.metric("loss", 3.0, None);
        tracker.metric("loss", 4.0, None);
        tracker.progress(0.2, "going on");
        tracker.put_back(unwritten);
        assert_eq!((losses(&tracker), tracker.dropped()), (vec![1.0, 2.0, 3.0], 1));
        assert_eq!(tracker.lock().pending.results["loss"], 4.0);
        assert_eq!(tracker.lock().pending.progress.as_ref().unwrap().message, "going on");
    }
}
