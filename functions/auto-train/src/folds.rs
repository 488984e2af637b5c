//! Parts of the rows, each class in its proportion.

use std::collections::BTreeMap;

use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;

/// Why rows cannot be divided.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{rows} rows cannot be divided into {folds} folds: from 2 to 20, and no more than rows")]
pub(crate) struct TooMany {
    rows: usize,
    folds: usize,
}

/// The rows of each part; the same seed gives the same parts on every machine.
pub(crate) fn of(strata: &[usize], folds: usize, seed: u64) -> Result<Vec<Vec<usize>>, TooMany> {
    if !(2..=20).contains(&folds) || folds > strata.len() {
        return Err(TooMany { rows: strata.len(), folds });
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, stratum) in strata.iter().enumerate() {
        members.entry(*stratum).or_default().push(row);
    }
    let mut parts = vec![Vec::new(); folds];
    // One counter for all classes, so that small classes do not all begin with the first part.
    let mut next = 0;
    for mut rows in members.into_values() {
        rows.shuffle(&mut random);
        for row in rows {
            parts[next % folds].push(row);
            next += 1;
        }
    }
    parts.iter_mut().for_each(|it| it.sort_unstable());
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_part_and_classes_keep_their_share() {
        let strata: Vec<usize> = (0..100).map(|row| usize::from(row % 10 == 0)).collect();
        let parts = of(&strata, 5, 3).unwrap();
        let rare: Vec<usize> = parts.iter().map(|it| it.iter().filter(|row| strata[**row] == 1).count()).collect();
        assert_eq!(rare, [2; 5]);
        let mut all = parts.concat();
        all.sort_unstable();
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        assert_ne!(of(&strata, 5, 4).unwrap(), parts);
    }

    #[test]
    fn parts_without_rows_are_refused() {
        assert!(of(&[0; 3], 4, 1).is_err() && of(&[0; 30], 1, 1).is_err() && of(&[0; 30], 21, 1).is_err());
    }
}
