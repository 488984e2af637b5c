//! How well a class is told from all others, over every threshold.

use serde::Serialize;
use smartcore::metrics;

/// A curve has at most this many points in a report; the area is exact.
const POINTS: usize = 200;

/// What sets two rows apart by less is how a backend adds up single-precision numbers, and no order of theirs.
const DIGITS: f64 = 1e6;

/// The receiver operating characteristic of one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Roc {
    pub(crate) class: String,
    pub(crate) auc: f64,
    /// The share of other rows taken for the class, ascending.
    pub(crate) false_positive_rate: Vec<f64>,
    /// The share of its own rows found.
    pub(crate) true_positive_rate: Vec<f64>,
}

/// The curve of a class; `None` where all rows are of it, or none.
pub(crate) fn roc(class: &str, is: &[bool], likely: &[f64]) -> Option<Roc> {
    let own = is.iter().filter(|it| **it).count();
    let others = is.len() - own;
    // A likelihood that is no number has no place in an order.
    if own == 0 || others == 0 || likely.iter().any(|it| it.is_nan()) {
        return None;
    }
    let likely: Vec<f64> = likely.iter().map(|it| (it * DIGITS).round() / DIGITS).collect();
    let truth: Vec<f64> = is.iter().map(|it| f64::from(u8::from(*it))).collect();
    let points = points(is, &likely);
    let step = points.len().div_ceil(POINTS).max(1);
    let last = points.len() - 1;
    let kept = || points.iter().enumerate().filter(|(at, _)| at % step == 0 || *at == last).map(|(_, it)| it);
    Some(Roc {
        class: class.to_owned(),
        auc: metrics::roc_auc_score(&truth, &likely),
        false_positive_rate: kept().map(|it| it.0 as f64 / others as f64).collect(),
        true_positive_rate: kept().map(|it| it.1 as f64 / own as f64).collect(),
    })
}

/// How many others and how many of its own are above each threshold, from the highest down; equal rows fall together.
fn points(is: &[bool], likely: &[f64]) -> Vec<(usize, usize)> {
    let mut rows: Vec<(f64, bool)> = likely.iter().copied().zip(is.iter().copied()).collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut points = vec![(0, 0)];
    let (mut others, mut own) = (0, 0);
    for (at, (threshold, is)) in rows.iter().enumerate() {
        if *is {
            own += 1
        } else {
            others += 1
        };
        if rows.get(at + 1).is_none_or(|next| next.0 < *threshold) {
            points.push((others, own));
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_has_a_point_per_threshold_and_the_area_below_it() {
        let found = roc("a", &[false, false, true, true], &[0.1, 0.4, 0.35, 0.8]).unwrap();
        assert_eq!(found.auc, 0.75);
        assert_eq!(found.false_positive_rate, [0.0, 0.0, 0.5, 0.5, 1.0]);
        assert_eq!(found.true_positive_rate, [0.0, 0.5, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn rows_of_equal_likelihood_fall_together() {
        let found = roc("a", &[true, false, true, false], &[0.5; 4]).unwrap();
        assert_eq!(
            (found.auc, found.false_positive_rate, found.true_positive_rate),
            (0.5, vec![0.0, 1.0], vec![0.0, 1.0])
        );
    }

    #[test]
    fn noise_of_the_last_digit_is_no_order() {
        let is = [true, false, true, false];
        let noisy = roc("a", &is, &[0.300_000_01, 0.3, 0.3, 0.300_000_02]).unwrap();
        assert_eq!(noisy, roc("a", &is, &[0.3; 4]).unwrap());
    }

    #[test]
    fn a_long_curve_is_thinned_but_ends_where_it_ends() {
        let is: Vec<bool> = (0..5000).map(|it| it % 3 == 0).collect();
        let likely: Vec<f64> = (0..5000).map(|it| f64::from(it * 7919 % 5003)).collect();
        let found = roc("a", &is, &likely).unwrap();
        assert!(found.true_positive_rate.len() <= POINTS + 2);
        assert_eq!((found.true_positive_rate.last(), found.false_positive_rate.last()), (Some(&1.0), Some(&1.0)));
    }

    #[test]
    fn one_class_alone_has_no_curve() {
        assert_eq!(roc("a", &[true, true], &[0.1, 0.2]), None);
        assert_eq!(roc("a", &[true, false], &[f64::NAN, 0.2]), None);
    }
}
