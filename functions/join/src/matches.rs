//! Which row on the left goes with which on the right.

use serde::Deserialize;

use crate::keys::Keys;

/// Which rows stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum How {
    /// Those with a match.
    #[default]
    Inner,
    /// And those on the left without.
    Left,
    /// And those on the right without.
    Right,
    /// And those on both sides without.
    Outer,
    /// Those on the left with a match, once each, without the right's columns.
    Semi,
    /// Those on the left without a match.
    Anti,
}

/// How often a key may occur.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Validate {
    /// As often as it likes.
    #[default]
    #[serde(rename = "m:m")]
    Many,
    /// Once on each side.
    #[serde(rename = "1:1")]
    OneToOne,
    /// Once on the left.
    #[serde(rename = "1:m")]
    OneToMany,
    /// Once on the right.
    #[serde(rename = "m:1")]
    ManyToOne,
}

/// The answer has too many rows.
#[derive(Debug, thiserror::Error)]
#[error("the answer has more than {0} rows, as `most_rows` allows: do keys repeat on both sides?")]
pub(crate) struct TooMany(usize);

/// Pairs of rows, in the order of the answer.
#[derive(Debug, Default)]
pub(crate) struct Matches {
    pub(crate) left: Vec<Option<usize>>,
    pub(crate) right: Vec<Option<usize>>,
    /// Rows on the left that nothing goes with, whether or not they stay.
    pub(crate) unmatched_left: usize,
    /// The same on the right.
    pub(crate) unmatched_right: usize,
}

impl Matches {
    /// Rows with equal keys: in the order of the left, then of the right; of a right join the other way about. Rows of
    /// the right without a match come last in an outer join.
    pub(crate) fn of(keys: &Keys, how: How, most: usize) -> Result<Self, TooMany> {
        if how == How::Right {
            let turned = Keys { left: keys.right.clone(), right: keys.left.clone() };
            let Self { left, right, unmatched_left, unmatched_right } = Self::of(&turned, How::Left, most)?;
            return Ok(Self {
                left: right,
                right: left,
                unmatched_left: unmatched_right,
                unmatched_right: unmatched_left,
            });
        }
        let mut matches = Self::default();
        let mut is_taken = vec![false; keys.right.len()];
        let rows = keys.right_rows();
        for (row, key) in keys.left.iter().enumerate() {
            let found = key.as_ref().and_then(|key| rows.get(key.as_slice())).map_or(&[][..], Vec::as_slice);
            found.iter().for_each(|&it| is_taken[it] = true);
            matches.unmatched_left += usize::from(found.is_empty());
            matches.add(row, found, how);
            if matches.left.len() > most {
                return Err(TooMany(most));
            }
        }
        let untaken = (0..is_taken.len()).filter(|&row| !is_taken[row]);
        matches.unmatched_right = untaken.clone().count();
        if how == How::Outer {
            untaken.for_each(|row| matches.push(None, Some(row)));
        }
        if matches.left.len() > most { Err(TooMany(most)) } else { Ok(matches) }
    }

    fn add(&mut self, row: usize, found: &[usize], how: How) {
        match (how, found) {
            (How::Anti, []) | (How::Semi, [_, ..]) => self.push(Some(row), None),
            (How::Left | How::Outer, []) => self.push(Some(row), None),
            (How::Anti | How::Semi, _) | (_, []) => {}
            (_, found) => found.iter().for_each(|&it| self.push(Some(row), Some(it))),
        }
    }

    /// Puts a pair at the end.
    pub(crate) fn push(&mut self, left: Option<usize>, right: Option<usize>) {
        self.left.push(left);
        self.right.push(right);
    }
}
