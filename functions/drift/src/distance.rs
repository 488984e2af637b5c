//! How far two distributions are apart.

use std::f64::consts::{PI, TAU};

/// What stands for a share of nothing, which no logarithm takes.
const NOTHING: f64 = 1e-4;

fn shares(counts: &[f64]) -> Vec<f64> {
    let total: f64 = counts.iter().sum();
    counts.iter().map(|it| if total > 0.0 { it / total } else { 0.0 }).collect()
}

/// The population stability index of counts per part.
pub(crate) fn psi(reference: &[f64], current: &[f64]) -> f64 {
    let part = |(p, q): (f64, f64)| {
        let (p, q) = (p.max(NOTHING), q.max(NOTHING));
        (q - p) * (q / p).ln()
    };
    shares(reference).into_iter().zip(shares(current)).map(part).sum()
}

/// The Jensen-Shannon distance of counts per part, from 0 to 1.
pub(crate) fn jensen_shannon(reference: &[f64], current: &[f64]) -> f64 {
    let part = |p: f64, middle: f64| if p > 0.0 { p * (p / middle).log2() } else { 0.0 };
    let both = |(p, q): (f64, f64)| part(p, f64::midpoint(p, q)) + part(q, f64::midpoint(p, q));
    let sum: f64 = shares(reference).into_iter().zip(shares(current)).map(both).sum();
    (sum / 2.0).max(0.0).sqrt()
}

/// The largest distance between both distribution functions. Both lists are sorted.
pub(crate) fn kolmogorov_smirnov(reference: &[f64], current: &[f64]) -> f64 {
    steps(reference, current).iter().map(|it| (it.1 - it.2).abs()).fold(0.0, f64::max)
}

/// How likely so large a distance is where both are drawn alike: by Kolmogorov's distribution, which is the limit for
/// many rows.
pub(crate) fn likelihood(distance: f64, rows: usize, others: usize) -> f64 {
    let (rows, others) = (rows as f64, others as f64);
    let z = (rows * others / (rows + others)).sqrt() * distance;
    if z < 0.2 {
        return 1.0;
    }
    // Two forms of one series, each quick where the other is slow.
    let sum: f64 = if z < 1.0 {
        let odd = |k: i32| (-(f64::from(2 * k - 1) * PI).powi(2) / (8.0 * z * z)).exp();
        1.0 - TAU.sqrt() / z * (1..=20).map(odd).sum::<f64>()
    } else {
        let term = |k: i32| f64::from(1 - 2 * ((k + 1) % 2)) * (-2.0 * f64::from(k * k) * z * z).exp();
        2.0 * (1..=20).map(term).sum::<f64>()
    };
    sum.clamp(0.0, 1.0)
}

/// How far, at the least, rows have to be moved on average to make one of the other. Both lists are sorted.
pub(crate) fn wasserstein(reference: &[f64], current: &[f64]) -> f64 {
    steps(reference, current).windows(2).map(|pair| (pair[0].1 - pair[0].2).abs() * (pair[1].0 - pair[0].0)).sum()
}

/// Every value with the shares of both lists up to it.
fn steps(reference: &[f64], current: &[f64]) -> Vec<(f64, f64, f64)> {
    let (mut at, mut other) = (0, 0);
    let mut steps = Vec::with_capacity(reference.len() + current.len());
    while at < reference.len() || other < current.len() {
        let next = [reference.get(at), current.get(other)].into_iter().flatten().copied().fold(f64::INFINITY, f64::min);
        while reference.get(at).is_some_and(|it| *it <= next) {
            at += 1;
        }
        while current.get(other).is_some_and(|it| *it <= next) {
            other += 1;
        }
        steps.push((next, at as f64 / reference.len() as f64, other as f64 / current.len() as f64));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-9, "{found} against {wanted}");
    }

    #[test]
    fn what_is_alike_is_nowhere_apart() {
        let (numbers, counts) = ([1.0, 2.0, 2.0, 5.0], [3.0, 1.0]);
        near(psi(&counts, &[6.0, 2.0]), 0.0);
        near(jensen_shannon(&counts, &[6.0, 2.0]), 0.0);
        near(kolmogorov_smirnov(&numbers, &numbers), 0.0);
        near(wasserstein(&numbers, &numbers), 0.0);
        near(likelihood(0.0, 4, 4), 1.0);
    }

    #[test]
    fn what_has_nothing_in_common_is_as_far_apart_as_can_be() {
        near(jensen_shannon(&[1.0, 0.0], &[0.0, 5.0]), 1.0);
        near(kolmogorov_smirnov(&[1.0, 2.0], &[3.0, 4.0]), 1.0);
        near(wasserstein(&[1.0, 2.0], &[11.0, 12.0]), 10.0);
        assert!(likelihood(1.0, 100, 100) < 1e-40);
    }

    #[test]
    fn both_forms_of_the_series_meet() {
        let at = |z: f64| likelihood(z, 2, 2);
        assert!((at(0.999_999) - at(1.000_001)).abs() < 1e-5);
        near(at(1.0), 0.269_999_671_677_355_93);
    }
}
