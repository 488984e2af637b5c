//! Statistics that say how likely it is that a feature and a label have nothing to do with each other.

use statrs::distribution::{ChiSquared, ContinuousCDF as _, FisherSnedecor};

/// Statistic and p-value where nothing can be said.
const NOTHING: (f64, f64) = (f64::NAN, f64::NAN);

/// A one-way analysis of variance: do the means differ between classes? Classes are `0..count`.
pub(crate) fn anova(rows: &[(f64, usize)], count: usize) -> (f64, f64) {
    let total = rows.len() as f64;
    let mean = rows.iter().map(|(x, _)| x).sum::<f64>() / total;
    let mut groups = vec![(0.0, 0.0); count];
    for (x, class) in rows {
        let (sum, size) = &mut groups[*class];
        (*sum, *size) = (*sum + x, *size + 1.0);
    }
    let present = groups.iter().filter(|(_, size)| *size > 0.0).count() as f64;
    if present < 2.0 || total <= present {
        return NOTHING;
    }
    let between: f64 =
        groups.iter().filter(|(_, size)| *size > 0.0).map(|(sum, size)| size * (sum / size - mean).powi(2)).sum();
    let within: f64 = rows.iter().map(|(x, class)| (x - groups[*class].0 / groups[*class].1).powi(2)).sum();
    let (of_between, of_within) = (present - 1.0, total - present);
    let f = (between / of_between) / (within / of_within);
    (f, beyond_f(f, of_between, of_within))
}

/// A linear regression on one feature: is its slope 0?
pub(crate) fn regression(correlation: f64, rows: usize) -> (f64, f64) {
    if rows < 3 || correlation.is_nan() {
        return NOTHING;
    }
    let freedom = (rows - 2) as f64;
    let f = correlation.powi(2) / (1.0 - correlation.powi(2)) * freedom;
    (f, beyond_f(f, 1.0, freedom))
}

/// Whether sums of a feature, taken as counts, differ between classes more than the sizes of the classes do.
pub(crate) fn chi2(rows: &[(f64, usize)], count: usize) -> (f64, f64) {
    let total: f64 = rows.iter().map(|(x, _)| x).sum();
    if total <= 0.0 || rows.iter().any(|(x, _)| *x < 0.0) {
        return NOTHING;
    }
    let mut observed = vec![(0.0, 0.0); count];
    for (x, class) in rows {
        let (sum, size) = &mut observed[*class];
        (*sum, *size) = (*sum + x, *size + 1.0);
    }
    let present: Vec<(f64, f64)> = observed.into_iter().filter(|(_, size)| *size > 0.0).collect();
    if present.len() < 2 {
        return NOTHING;
    }
    let term = |(sum, size): &(f64, f64)| {
        let expected = total * size / rows.len() as f64;
        (sum - expected).powi(2) / expected
    };
    let chi2: f64 = present.iter().map(term).sum();
    let p = ChiSquared::new((present.len() - 1) as f64).map_or(f64::NAN, |it| it.sf(chi2));
    (chi2, p)
}

/// Pearson's coefficient; NaN where one side does not vary.
pub(crate) fn correlation(rows: &[(f64, f64)]) -> f64 {
    let count = rows.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| rows.iter().map(of).sum::<f64>() / count;
    let (x_mean, y_mean) = (mean(|it| it.0), mean(|it| it.1));
    let sum = |of: &dyn Fn(f64, f64) -> f64| rows.iter().map(|(x, y)| of(x - x_mean, y - y_mean)).sum::<f64>();
    let (xy, xx, yy) = (sum(&|x, y| x * y), sum(&|x, _| x * x), sum(&|_, y| y * y));
    if xx > 0.0 && yy > 0.0 { (xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0) } else { f64::NAN }
}

/// How likely an F is at least as large by chance.
fn beyond_f(f: f64, one: f64, other: f64) -> f64 {
    match f {
        f if f.is_nan() => f64::NAN,
        f if f.is_infinite() => 0.0,
        f => FisherSnedecor::new(one, other).map_or(f64::NAN, |it| it.sf(f)),
    }
}
