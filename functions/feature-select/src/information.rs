//! Mutual information: how much knowing a feature's bin tells of the label.

use std::collections::HashMap;

/// The bin of each number, of about as many rows each. The cuts are quantiles; those that fall together are one.
pub(crate) fn cut(numbers: &[f64], bins: usize) -> Vec<usize> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1) as f64;
    let quantile = |bin: usize| {
        let place = bin as f64 / bins as f64 * last;
        let at = |place: f64| sorted.get(place as usize).copied().unwrap_or(f64::NAN);
        at(place.floor()) + (at(place.ceil()) - at(place.floor())) * (place - place.floor())
    };
    let mut cuts: Vec<f64> = (1..bins).map(quantile).collect();
    cuts.dedup();
    // A number at a cut belongs below it.
    numbers.iter().map(|it| cuts.partition_point(|cut| cut < it)).collect()
}

/// In nats.
pub(crate) fn mutual(one: &[usize], other: &[usize]) -> f64 {
    let total = one.len() as f64;
    let mut both: HashMap<(usize, usize), f64> = HashMap::new();
    let (mut of_one, mut of_other): (HashMap<usize, f64>, HashMap<usize, f64>) = Default::default();
    for (a, b) in one.iter().zip(other) {
        *both.entry((*a, *b)).or_default() += 1.0;
        *of_one.entry(*a).or_default() += 1.0;
        *of_other.entry(*b).or_default() += 1.0;
    }
    if total == 0.0 {
        return f64::NAN;
    }
    let mut cells: Vec<_> = both.into_iter().collect();
    // Sums depend on their order, and that of a map is nobody's.
    cells.sort_unstable_by_key(|(cell, _)| *cell);
    let count = |counts: &HashMap<usize, f64>, key: usize| counts.get(&key).copied().unwrap_or(f64::NAN);
    let term =
        |((a, b), n): ((usize, usize), f64)| n / total * (n * total / (count(&of_one, a) * count(&of_other, b))).ln();
    cells.into_iter().map(term).sum::<f64>().max(0.0)
}
