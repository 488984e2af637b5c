//! Trying again: how often, after which failures, and how long to wait before.

use std::time::Duration;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{event::FailureKind, size::Millis};

/// The most attempts a rule may ask for.
pub const MAX_ATTEMPTS: u32 = 100;

/// When something that failed is tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// How often it is tried in all, the first attempt included.
    pub attempts: u32,
    /// Which failures are worth another attempt.
    pub on: Vec<FailureKind>,
    /// The wait before the second attempt.
    pub backoff: Millis,
    /// By how much each further wait is longer than the one before.
    pub factor: f64,
    /// The longest wait.
    pub max_backoff: Millis,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 1,
            on: vec![FailureKind::Transient],
            backoff: Millis(1_000),
            factor: 2.0,
            max_backoff: Millis(60_000),
        }
    }
}

impl Retry {
    /// No second attempt.
    #[must_use]
    pub fn never() -> Self {
        Self::default()
    }

    /// Whether another attempt follows after attempt number `attempt` (the first is 1) failed with `kind`.
    #[must_use]
    pub fn again(&self, attempt: u32, kind: FailureKind) -> bool {
        attempt < self.attempts.min(MAX_ATTEMPTS) && self.on.contains(&kind)
    }

    /// How long to wait after attempt number `attempt` (the first is 1) failed.
    #[must_use]
    pub fn delay(&self, attempt: u32) -> Duration {
        let longest = to_f64(self.max_backoff);
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let wait = to_f64(self.backoff) * self.factor.max(1.0).powi(exponent);
        Duration::from_secs_f64(if wait.is_finite() { wait.min(longest) } else { longest } / 1_000.0)
    }

    /// Like [`Retry::delay`], shortened by up to half so that many do not come back at the same moment.
    ///
    /// The same seed and attempt give the same wait.
    #[must_use]
    pub fn jittered_delay(&self, attempt: u32, seed: u64) -> Duration {
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ u64::from(attempt).rotate_left(32));
        self.delay(attempt).mul_f64(random.random_range(0.5..=1.0))
    }
}

/// Waits are bounded to 49 days, so that every one of them is a [`Duration`].
fn to_f64(millis: Millis) -> f64 {
    f64::from(u32::try_from(millis.0).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> Retry {
        Retry { attempts: 4, max_backoff: Millis(5_000), ..Retry::default() }
    }

    #[test]
    fn waits_grow_to_their_bound() {
        let waits: Vec<_> = (1..=5).map(|attempt| rule().delay(attempt).as_millis()).collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 5_000, 5_000]);
        assert_eq!(rule().delay(u32::MAX).as_millis(), 5_000);
    }

    #[test]
    fn a_wait_shorter_than_a_second_is_kept() {
        let rule = Retry { backoff: Millis(250), ..rule() };
        assert_eq!(rule.delay(1).as_millis(), 250);
    }

    #[test]
    fn odd_rules_still_give_a_wait() {
        for factor in [f64::NAN, f64::INFINITY, -3.0, 0.0] {
            let rule = Retry { factor, backoff: Millis(u64::MAX), max_backoff: Millis(u64::MAX), ..rule() };
            assert!(rule.delay(3) <= Duration::from_millis(u64::from(u32::MAX)), "{factor}");
        }
    }

    #[test]
    fn only_named_failures_are_tried_again_and_only_so_often() {
        assert!(rule().again(1, FailureKind::Transient));
        assert!(rule().again(3, FailureKind::Transient));
        assert!(!rule().again(4, FailureKind::Transient));
        assert!(!rule().again(1, FailureKind::Invalid));
        assert!(!Retry::never().again(1, FailureKind::Transient));
    }

    #[test]
    fn jitter_is_repeatable_and_never_lengthens() {
        let first = rule().jittered_delay(2, 7);
        assert_eq!(first, rule().jittered_delay(2, 7));
        assert!(first <= rule().delay(2) && first >= rule().delay(2) / 2);
        assert_ne!(first, rule().jittered_delay(2, 8));
    }
}
