//! Which numbers have been seen, as ranges: little to keep where they come in order.

use serde::{Deserialize, Serialize};

/// Ranges of numbers with both ends, in order, none next to another.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen(Vec<(u64, u64)>);

impl Seen {
    /// Adds a number; whether it is new.
    pub(crate) fn add(&mut self, number: u64) -> bool {
        // The first range that ends at the number or after it.
        let at = self.0.partition_point(|(_, last)| *last < number);
        if self.0.get(at).is_some_and(|(first, _)| *first <= number) {
            return false;
        }
        let follows = at > 0 && self.0[at - 1].1 + 1 == number;
        let precedes = self.0.get(at).is_some_and(|(first, _)| number + 1 == *first);
        match (follows, precedes) {
            (true, true) => {
                self.0[at - 1].1 = self.0[at].1;
                self.0.remove(at);
            }
            (true, false) => self.0[at - 1].1 = number,
            (false, true) => self.0[at].0 = number,
            (false, false) => self.0.insert(at, (number, number)),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_new_once() {
        let mut seen = Seen::default();
        let news: Vec<bool> =
            [5, 7, 6, 5, 6, 7, 0, u64::MAX, 1, u64::MAX, 2].into_iter().map(|it| seen.add(it)).collect();
        assert_eq!(news, [true, true, true, false, false, false, true, true, true, false, true]);
        assert_eq!(seen, Seen(vec![(0, 2), (5, 7), (u64::MAX, u64::MAX)]));
    }
}
