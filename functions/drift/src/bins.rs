//! Parts of a column: numbers by cuts, words by what they are.

use std::collections::BTreeMap;

use weft_tables::Column;

/// Where numbers are cut, ascending: by quantiles of the reference, so that each part has alike many of it. The parts at
/// both ends are open. Where the reference has few values, each is a part, and so is what lies below and above all of
/// them.
pub(crate) fn cuts(reference: &[f64], parts: usize) -> Vec<f64> {
    let mut sorted = reference.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    let (Some(least), Some(most)) = (distinct.first().copied(), distinct.last().copied()) else { return Vec::new() };
    if distinct.len() <= parts {
        let between = distinct.windows(2).map(|pair| f64::midpoint(pair[0], pair[1]));
        return std::iter::once(least).chain(between).chain([most.next_up()]).collect();
    }
    let mut cuts: Vec<f64> = (1..parts).map(|it| quantile(&sorted, it as f64 / parts as f64)).collect();
    cuts.dedup();
    // A cut at the least value would leave nothing below it.
    cuts.retain(|it| *it > least);
    cuts
}

/// Linear between the two nearest, as numpy's.
pub(crate) fn quantile(sorted: &[f64], at: f64) -> f64 {
    let place = at * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

/// How many numbers are in each part: up to the first cut, from there up to the second, …
pub(crate) fn count(numbers: &[f64], cuts: &[f64]) -> Vec<f64> {
    let mut counts = vec![0.0; cuts.len() + 1];
    for number in numbers {
        counts[cuts.partition_point(|cut| cut <= number)] += 1.0;
    }
    counts
}

/// How often each word is in either column, in the order of words.
pub(crate) fn words(reference: &Column, current: &Column) -> BTreeMap<String, (f64, f64)> {
    let mut counts: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    let cells = |column: &Column| -> Vec<String> {
        (0..column.len()).filter_map(|row| column.cell(row)).map(Into::into).collect()
    };
    cells(reference).into_iter().for_each(|it| counts.entry(it).or_default().0 += 1.0);
    cells(current).into_iter().for_each(|it| counts.entry(it).or_default().1 += 1.0);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_alike_many_of_the_reference() {
        let numbers: Vec<f64> = (0..100).map(|it| f64::from(it * 37 % 100)).collect();
        let cuts = cuts(&numbers, 4);
        assert_eq!(cuts, [24.75, 49.5, 74.25]);
        assert_eq!(count(&numbers, &cuts), [25.0; 4]);
        assert_eq!(count(&[-5.0, 1000.0], &cuts), [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn few_values_are_a_part_each_and_others_lie_outside() {
        let cuts = cuts(&[1.0, 0.0, 0.0, 0.0, 0.0], 4);
        assert_eq!(cuts.len(), 3);
        assert_eq!(count(&[0.0, 1.0, 0.0], &cuts), [0.0, 2.0, 1.0, 0.0]);
        assert_eq!(count(&[-1.0, 2.0], &cuts), [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn a_value_that_fills_a_whole_part_is_cut_once() {
        let mut numbers = vec![0.0; 90];
        numbers.extend((1..=20).map(f64::from));
        let cuts = cuts(&numbers, 10);
        assert!(cuts.iter().all(|it| *it > 0.0) && cuts.is_sorted(), "{cuts:?}");
    }
}
