//! The row on the right that was in force at a moment: the last before it, the first after it, or the nearer.

use serde::Deserialize;
use weft_tables::{Table, Times, Unit};

use crate::{keys::Keys, matches::Matches};

/// Where to look for the nearest moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    /// At it or before.
    #[default]
    Backward,
    /// At it or after.
    Forward,
    /// On both sides; before, where both are as near.
    Nearest,
}

/// How to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsOf {
    pub(crate) direction: Direction,
    /// The farthest that a moment may be, microseconds.
    pub(crate) tolerance: Option<i64>,
}

impl AsOf {
    /// For each row on the left, in its order, the row on the right with the same key and the nearest moment. Neither
    /// side has to be sorted. Of several rows of one moment, looking back takes the last and looking ahead the first.
    pub(crate) fn matches(
        self,
        keys: &Keys,
        [left, right]: [&Table; 2],
        [of_left, of_right]: [&String; 2],
        unit: Unit,
        keeps_all: bool,
    ) -> Result<Matches, weft_tables::Error> {
        let moments = Times::of(left.column(of_left)?, unit)?.micros;
        let there = Times::of(right.column(of_right)?, unit)?.micros;
        let timed = |rows: &Vec<usize>| -> Vec<(i64, usize)> {
            let mut timed: Vec<_> = rows.iter().filter_map(|&row| Some((there.get(row).copied()??, row))).collect();
            timed.sort_unstable();
            timed
        };
        let candidates: std::collections::HashMap<_, _> =
            keys.right_rows().iter().map(|(key, rows)| (*key, timed(rows))).collect();
        let mut matches = Matches::default();
        let mut is_taken = vec![false; right.rows()];
        for (row, key) in keys.left.iter().enumerate() {
            let candidates = key.as_ref().and_then(|key| candidates.get(key.as_slice()));
            let moment = moments.get(row).copied().flatten();
            let found = moment.zip(candidates).and_then(|(moment, candidates)| self.find(moment, candidates));
            if let Some(found) = found {
                is_taken[found] = true;
            } else {
                matches.unmatched_left += 1;
            }
            if keeps_all || found.is_some() {
                matches.push(Some(row), found);
            }
        }
        matches.unmatched_right = is_taken.iter().filter(|it| !**it).count();
        Ok(matches)
    }

    /// The nearest of `candidates`, which are sorted.
    fn find(self, moment: i64, candidates: &[(i64, usize)]) -> Option<usize> {
        let above = candidates.partition_point(|(it, _)| *it <= moment);
        let at_or_above = candidates.partition_point(|(it, _)| *it < moment);
        let before = above.checked_sub(1).and_then(|at| candidates.get(at));
        let after = candidates.get(at_or_above);
        let far = |it: &(i64, usize)| it.0.abs_diff(moment);
        let found = match self.direction {
            Direction::Backward => before,
            Direction::Forward => after,
            Direction::Nearest => match (before, after) {
                (Some(before), Some(after)) => Some(if far(before) <= far(after) { before } else { after }),
                (before, after) => before.or(after),
            },
        };
        let is_near = |it: &&(i64, usize)| self.tolerance.is_none_or(|most| far(it) <= most.unsigned_abs());
        found.filter(is_near).map(|(_, row)| *row)
    }
}
