//! Splits rows in two by a seed, each class in its proportion.

use std::collections::BTreeMap;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Rows in two parts, each in the order of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// The rows to learn from.
    pub kept: Vec<usize>,
    /// The rows held back.
    pub held: Vec<usize>,
}

/// Holds back `share` of the rows of each stratum. A stratum of one row is kept.
///
/// `strata[row]` is the stratum of a row. The same seed gives the same split on every machine.
#[must_use]
pub fn split(strata: &[usize], share: f64, seed: u64) -> Split {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, stratum) in strata.iter().enumerate() {
        members.entry(*stratum).or_default().push(row);
    }
    let (mut kept, mut held) = (Vec::new(), Vec::new());
    for mut rows in members.into_values() {
        rows.shuffle(&mut random);
        let back = (rows.len() as f64 * share).round() as usize;
        let back = back.min(rows.len() - 1);
        held.extend_from_slice(&rows[..back]);
        kept.extend_from_slice(&rows[back..]);
    }
    kept.sort_unstable();
    held.sort_unstable();
    Split { kept, held }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_on_one_side_and_classes_keep_their_share() {
        let strata: Vec<usize> = (0..100).map(|row| usize::from(row % 10 == 0)).collect();
        let Split { kept, held } = split(&strata, 0.2, 7);
        assert_eq!((kept.len(), held.len()), (80, 20));
        assert_eq!(held.iter().filter(|&&row| strata[row] == 1).count(), 2);
        let mut all = [kept, held].concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_seed_decides() {
        let strata = vec![0; 50];
        assert_eq!(split(&strata, 0.3, 1), split(&strata, 0.3, 1));
        assert_ne!(split(&strata, 0.3, 1), split(&strata, 0.3, 2));
    }

    #[test]
    fn a_class_of_one_row_is_learned_from() {
        assert_eq!(split(&[0, 0, 1], 0.5, 1).kept.last(), Some(&2));
        assert_eq!(split(&[], 0.5, 1), Split { kept: vec![], held: vec![] });
    }
}
