//! What came of a load: how many answers, how quick, and what went wrong first.

use std::{fmt, time::Duration};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::response::Answer;

/// How much of a failed answer is told.
const EXCERPT: usize = 300;

/// The longest latency that is told apart, nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// The counts of one connection, or of many.
#[derive(Debug)]
pub(super) struct Tally {
    latencies: Histogram<u64>,
    failures: u64,
    first_failure: Option<String>,
}

/// What came of a load, as it is printed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Answers that were a success.
    pub(crate) requests: u64,
    /// Requests that failed, or were answered with another status.
    pub(crate) failures: u64,
    /// The first of them.
    pub(crate) first_failure: Option<String>,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Half of the answers were this quick, microseconds.
    pub(crate) p50_us: f64,
    /// 99% of the answers were this quick.
    pub(crate) p99_us: f64,
    /// All of the answers were this quick.
    pub(crate) longest_us: f64,
}

impl Default for Tally {
    fn default() -> Self {
        // Three digits up to a minute: bounds that the library accepts.
        let latencies = Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order");
        Self { latencies, failures: 0, first_failure: None }
    }
}

impl Tally {
    /// Counts an answer.
    pub(super) fn answered(&mut self, latency: Duration, answer: &Answer, body: &[u8]) {
        if (200..300).contains(&answer.status) {
            self.latencies.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(LONGEST));
        } else {
            let excerpt = String::from_utf8_lossy(&body[..body.len().min(EXCERPT)]);
            self.fail(format_args!("status {}: {}", answer.status, excerpt.trim()));
        }
    }

    /// Counts a failure; only the first is described, as the others are most often alike.
    pub(super) fn fail(&mut self, why: impl fmt::Display) {
        self.failures += 1;
        self.first_failure.get_or_insert_with(|| why.to_string());
    }

    /// Adds the counts of another connection.
    pub(super) fn add(&mut self, other: Self) {
        // It fails only between histograms of different bounds, and all of ours have the same.
        let _ = self.latencies.add(&other.latencies);
        self.failures += other.failures;
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }

    /// The counts, for printing.
    pub(super) fn outcome(&self, elapsed: Duration) -> Outcome {
        let micros = |nanos: u64| nanos as f64 / 1_000.0;
        Outcome {
            requests: self.latencies.len(),
            failures: self.failures,
            first_failure: self.first_failure.clone(),
            seconds: elapsed.as_secs_f64(),
            p50_us: micros(self.latencies.value_at_quantile(0.5)),
            p99_us: micros(self.latencies.value_at_quantile(0.99)),
            longest_us: micros(self.latencies.max()),
        }
    }
}
