//! What has been handed out and what of it may be acknowledged, in as few words to the server as is safe.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// How long what is settled waits for earlier messages, so that one word acknowledges all.
const HELD: Duration = Duration::from_millis(50);

/// An acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ack {
    /// Of this message.
    pub(super) tag: u64,
    /// And of all before it that are not acknowledged yet.
    pub(super) multiple: bool,
}

/// The batches of a channel that are not acknowledged, by their first message.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    open: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
enum Entry {
    /// It is being worked on, or something of it never was settled.
    Open,
    /// All of it is settled, up to this message, since then.
    Whole(u64, Instant),
}

impl Ledger {
    /// A batch is handed out that begins with this message. Batches are handed out in order.
    pub(super) fn begin(&mut self, first: u64) {
        self.open.insert(first, Entry::Open);
    }

    /// All of a batch is settled, `last` included.
    pub(super) fn settled(&mut self, first: u64, last: u64, now: Instant) {
        self.open.insert(first, Entry::Whole(last, now));
    }

    /// What to tell the server now: one word for everything up to the first batch that is open, and one for each
    /// message beyond that has waited long enough.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Ack> {
        let mut acks: Vec<Ack> = Vec::new();
        while let Some((_, Entry::Whole(last, _))) = self.open.first_key_value() {
            acks = vec![Ack { tag: *last, multiple: true }];
            self.open.pop_first();
        }
        let overdue = |entry: &Entry| matches!(entry, Entry::Whole(_, since) if now.duration_since(*since) >= HELD);
        for (first, entry) in self.open.extract_if(.., |_, entry| overdue(entry)) {
            if let Entry::Whole(last, _) = entry {
                acks.extend((first..=last).map(|tag| Ack { tag, multiple: false }));
            }
        }
        acks
    }

    /// What is settled and not told yet, when nothing more will be.
    pub(super) fn rest(&mut self) -> Vec<Ack> {
        let mut acks = Vec::new();
        for (first, entry) in std::mem::take(&mut self.open) {
            if let Entry::Whole(last, _) = entry {
                acks.extend((first..=last).map(|tag| Ack { tag, multiple: false }));
            }
        }
        acks
    }

    /// When something is due by itself.
    pub(super) fn next(&self) -> Option<Instant> {
        let since = |entry: &Entry| match entry {
            Entry::Whole(_, since) => Some(*since + HELD),
            Entry::Open => None,
        };
        self.open.values().filter_map(since).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upto(tag: u64) -> Ack {
        Ack { tag, multiple: true }
    }

    #[test]
    fn batches_in_order_are_acknowledged_by_one_word_each() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        ledger.begin(1);
        ledger.begin(4);
        assert_eq!(ledger.due(now), []);
        ledger.settled(1, 3, now);
        assert_eq!(ledger.due(now), [upto(3)]);
        ledger.settled(4, 9, now);
        assert_eq!((ledger.due(now), ledger.due(now), ledger.next()), (vec![upto(9)], vec![], None));
    }

    #[test]
    fn a_batch_that_overtakes_waits_a_little_for_the_one_before() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        ledger.begin(1);
        ledger.begin(3);
        ledger.begin(5);
        ledger.settled(3, 4, now);
        assert_eq!((ledger.due(now), ledger.next()), (vec![], Some(now + HELD)));
        ledger.settled(1, 2, now);
        assert_eq!(ledger.due(now), [upto(4)]);
    }

    #[test]
    fn messages_beyond_an_open_batch_are_acknowledged_one_by_one() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        ledger.begin(1);
        ledger.begin(3);
        ledger.settled(3, 4, now);
        let one = |tag| Ack { tag, multiple: false };
        assert_eq!(ledger.due(now + HELD), [one(3), one(4)]);
        ledger.settled(1, 2, now);
        assert_eq!(ledger.due(now), [upto(2)]);
    }

    #[test]
    fn at_the_end_nothing_settled_is_left_untold() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        ledger.begin(1);
        ledger.begin(3);
        ledger.settled(3, 4, now);
        assert_eq!(ledger.rest().iter().map(|it| it.tag).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(ledger.rest(), []);
    }
}
