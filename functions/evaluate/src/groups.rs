//! How alike groups are treated: parity of who is given the good class, and of how often that is right.

use std::collections::BTreeMap;

use serde::Serialize;
use weft_tables::Column;

/// A column with more values than this tells people apart rather than groups.
const MOST: usize = 100;
/// What stands for rows whose group is not known.
const UNKNOWN: &str = "(missing)";

/// Why rows are in no groups.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("column `{column}` has {found} values, where groups are compared {MOST} at most")]
pub(crate) struct TooMany {
    column: String,
    found: usize,
}

/// How alike the groups of one column are treated.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Fairness {
    pub(crate) column: String,
    /// The class that is good for whoever gets it.
    pub(crate) positive: String,
    pub(crate) groups: Vec<Group>,
    /// The largest selection rate less the smallest.
    pub(crate) demographic_parity_difference: Option<f64>,
    /// The smallest selection rate by the largest.
    pub(crate) demographic_parity_ratio: Option<f64>,
    /// The larger of the differences of true and false positive rates.
    pub(crate) equalized_odds_difference: Option<f64>,
    /// The smaller of their ratios.
    pub(crate) equalized_odds_ratio: Option<f64>,
}

/// One group.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Group {
    pub(crate) value: String,
    pub(crate) rows: usize,
    /// The share that is given the good class.
    pub(crate) selection_rate: f64,
    /// Of those to whom it is due, the share that is given it; none where it is due to nobody.
    pub(crate) true_positive_rate: Option<f64>,
    /// Of all others, the share that is given it.
    pub(crate) false_positive_rate: Option<f64>,
    pub(crate) accuracy: f64,
}

impl Fairness {
    /// Compares the groups of `column`; truth and what was found are places among the classes, as `at` is.
    pub(crate) fn of(
        column: &Column,
        positive: &str,
        at: usize,
        truth: &[usize],
        found: &[usize],
    ) -> Result<Self, TooMany> {
        let mut members: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for row in 0..truth.len() {
            let value = column.cell(row).map_or_else(|| UNKNOWN.to_owned(), Into::into);
            members.entry(value).or_default().push(row);
        }
        if members.len() > MOST {
            return Err(TooMany { column: column.name.clone(), found: members.len() });
        }
        let groups: Vec<Group> =
            members.into_iter().map(|(value, rows)| Group::of(value, &rows, at, truth, found)).collect();
        let selected: Vec<f64> = groups.iter().map(|it| it.selection_rate).collect();
        let hits: Vec<f64> = groups.iter().filter_map(|it| it.true_positive_rate).collect();
        let alarms: Vec<f64> = groups.iter().filter_map(|it| it.false_positive_rate).collect();
        Ok(Self {
            column: column.name.clone(),
            positive: positive.to_owned(),
            demographic_parity_difference: difference(&selected),
            demographic_parity_ratio: ratio(&selected),
            equalized_odds_difference: difference(&hits).into_iter().chain(difference(&alarms)).reduce(f64::max),
            equalized_odds_ratio: ratio(&hits).into_iter().chain(ratio(&alarms)).reduce(f64::min),
            groups,
        })
    }
}

impl Group {
    fn of(value: String, rows: &[usize], at: usize, truth: &[usize], found: &[usize]) -> Self {
        let share = |of: &dyn Fn(usize) -> bool, is: &dyn Fn(usize) -> bool| {
            let all = rows.iter().filter(|row| of(**row)).count();
            let some = rows.iter().filter(|row| of(**row) && is(**row)).count();
            (all > 0).then(|| some as f64 / all as f64)
        };
        let given = |row: usize| found[row] == at;
        let due = |row: usize| truth[row] == at;
        Self {
            value,
            rows: rows.len(),
            selection_rate: share(&|_| true, &given).unwrap_or(0.0),
            true_positive_rate: share(&due, &given),
            false_positive_rate: share(&|row| !due(row), &given),
            accuracy: share(&|_| true, &|row| found[row] == truth[row]).unwrap_or(0.0),
        }
    }
}

fn extremes(rates: &[f64]) -> Option<(f64, f64)> {
    Some((rates.iter().copied().reduce(f64::min)?, rates.iter().copied().reduce(f64::max)?))
}

fn difference(rates: &[f64]) -> Option<f64> {
    extremes(rates).map(|(least, most)| most - least)
}

/// There is no ratio where nobody is selected at all.
fn ratio(rates: &[f64]) -> Option<f64> {
    extremes(rates).filter(|(_, most)| *most > 0.0).map(|(least, most)| least / most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[&str]) -> Column {
        Column::text("sex", values.iter().map(|it| (!it.is_empty()).then(|| (*it).to_owned())).collect())
    }

    #[test]
    fn rates_are_compared_between_groups() {
        let found = Fairness::of(
            &column(&["f", "f", "f", "f", "m", "m", "m", "m"]),
            "yes",
            1,
            &[1, 1, 0, 0, 1, 1, 0, 0],
            &[1, 0, 0, 0, 1, 1, 1, 0],
        )
        .unwrap();
        assert_eq!((found.groups[0].selection_rate, found.groups[1].selection_rate), (0.25, 0.75));
        assert_eq!(found.demographic_parity_difference, Some(0.5));
        assert_eq!(found.equalized_odds_difference, Some(0.5));
        assert_eq!((found.demographic_parity_ratio, found.equalized_odds_ratio), (Some(1.0 / 3.0), Some(0.0)));
    }

    #[test]
    fn what_a_group_cannot_show_is_left_out() {
        let found = Fairness::of(&column(&["f", "m", ""]), "yes", 1, &[0, 1, 1], &[0, 1, 0]).unwrap();
        let values: Vec<_> = found.groups.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(values, [UNKNOWN, "f", "m"]);
        assert_eq!((found.groups[1].true_positive_rate, found.groups[2].false_positive_rate), (None, None));
        assert_eq!(found.equalized_odds_ratio, Some(0.0));
    }

    #[test]
    fn a_column_that_tells_everybody_apart_has_no_groups() {
        let names: Vec<String> = (0..101).map(|it| it.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let message = Fairness::of(&column(&names), "yes", 1, &[0; 101], &[0; 101]).unwrap_err().to_string();
        assert_eq!(message, "column `sex` has 101 values, where groups are compared 100 at most");
    }
}
