//! Retry queues: messages wait in one until their time is over, and go back to the queue that they came from.

use std::{collections::HashSet, time::Duration};

use parking_lot::Mutex;

use super::address::{Address, short};

/// The longest waits of our retry queues, milliseconds. A message waits for what it was told, in the queue with the
/// next longer bound: one that is to wait for longer is before it at most so long.
const BUCKETS: [u32; 12] =
    [100, 300, 1_000, 3_000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000];

/// A retry queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bucket {
    /// The longest wait in it, milliseconds.
    pub(super) most_ms: u32,
    /// Where messages are published to get there.
    pub(super) address: Address,
}

/// Which retry queues of a queue are known to be there.
#[derive(Debug, Default)]
pub(super) struct Retries(Mutex<HashSet<u32>>);

impl Retries {
    /// Whether this one is known.
    pub(super) fn knows(&self, bucket: &Bucket) -> bool {
        self.0.lock().contains(&bucket.most_ms)
    }

    /// This one is there.
    pub(super) fn learn(&self, bucket: &Bucket) {
        self.0.lock().insert(bucket.most_ms);
    }
}

impl Bucket {
    /// The one for a wait, of a queue. There is none where the names would be too long for the protocol.
    pub(super) fn of(queue: &str, wait: Duration) -> Option<Self> {
        let longest = BUCKETS.last().copied().unwrap_or_default();
        let most_ms = BUCKETS.into_iter().find(|most| wait.as_millis() <= u128::from(*most)).unwrap_or(longest);
        let name = short(&format!("{queue}.retry.{most_ms}"))?;
        Some(Self { most_ms, address: Address::queue(&name) })
    }

    /// How long a message waits in it that is to wait so long: a day at most.
    pub(super) fn wait_ms(&self, wait: Duration) -> u64 {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        wait.min(self.most_ms.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_kept_and_others_hold_it_up_by_a_bound() {
        let of = |ms| {
            let bucket = Bucket::of("q", Duration::from_millis(ms)).unwrap();
            (bucket.address.key.to_string(), bucket.wait_ms(Duration::from_millis(ms)))
        };
        assert_eq!(of(0), ("q.retry.100".to_owned(), 0));
        assert_eq!(of(100), ("q.retry.100".to_owned(), 100));
        assert_eq!(of(101), ("q.retry.300".to_owned(), 101));
        assert_eq!(of(45_000), ("q.retry.60000".to_owned(), 45_000));
        assert_eq!(of(u64::MAX), ("q.retry.86400000".to_owned(), 86_400_000));
        assert_eq!(Bucket::of(&"q".repeat(250), Duration::ZERO), None);
    }
}
