//! Several answers become one.

use serde::{Deserialize, Serialize};
use weft_tables::{Column, class_order};

/// Two sums of weights closer than this are equal.
const EQUAL: f64 = 1e-9;

/// How answers become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Method {
    /// By majority, or by the mean where all answers are numbers with fractions.
    #[default]
    Auto,
    /// What most say, by weight.
    Majority,
    /// The mean of numbers, by weight.
    Mean,
    /// The middle one of numbers, by weight.
    Median,
}

/// Who wins where several answers have as many votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tie {
    /// The answer of the table that comes first.
    #[default]
    First,
    /// The least, by number where all are numbers, by letter otherwise.
    Least,
    /// Nobody: the row stays without an answer.
    None,
}

/// Why answers cannot be combined.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum Error {
    #[error("`{0}` is no number, so there is no mean and no median: combine by majority")]
    NoNumber(String),
    #[error("{weights} weights for {tables} predictions: give one each, none below 0, not all 0")]
    Weights { weights: usize, tables: usize },
}

/// One answer of several.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Combined {
    /// None where nobody answered, or nobody wins.
    pub(crate) answer: Option<String>,
    /// The share, by weight, of those that said the same; of numbers, of those within a millionth of it.
    pub(crate) agreement: f64,
    pub(crate) was_tied: bool,
}

impl Method {
    /// What `auto` means for these answers.
    pub(crate) fn of(self, votes: &[Vec<Option<String>>]) -> Self {
        let mut all = votes.iter().flatten().flatten().peekable();
        let is_fraction = |it: &String| it.parse::<f64>().is_ok_and(|it| it.fract() != 0.0);
        let are_numbers = all.peek().is_some() && all.all(|it| it.parse::<f64>().is_ok_and(f64::is_finite));
        match self {
            Self::Auto if are_numbers && votes.iter().flatten().flatten().any(is_fraction) => Self::Mean,
            Self::Auto => Self::Majority,
            method => method,
        }
    }
}

/// A weight for each of `tables`.
pub(crate) fn weights(asked: &[f64], tables: usize) -> Result<Vec<f64>, Error> {
    let weights = if asked.is_empty() { vec![1.0; tables] } else { asked.to_vec() };
    let is_weight = |it: &f64| it.is_finite() && *it >= 0.0;
    if weights.len() == tables && weights.iter().all(is_weight) && weights.iter().sum::<f64>() > 0.0 {
        return Ok(weights);
    }
    Err(Error::Weights { weights: weights.len(), tables })
}

/// Makes one answer of several. Who does not answer has no vote.
pub(crate) fn combine(votes: &[Option<String>], weights: &[f64], method: Method, tie: Tie) -> Result<Combined, Error> {
    let given: Vec<(&str, f64)> =
        votes.iter().zip(weights).filter_map(|(it, weight)| Some((it.as_deref()?, *weight))).collect();
    let total: f64 = given.iter().map(|it| it.1).sum();
    if total <= 0.0 {
        return Ok(Combined { answer: None, agreement: 0.0, was_tied: false });
    }
    match method {
        Method::Auto | Method::Majority => Ok(majority(&given, total, tie)),
        Method::Mean | Method::Median => {
            let number = |(text, weight): &(&str, f64)| {
                let number = text.parse::<f64>().ok().filter(|it| it.is_finite());
                number.map(|it| (it, *weight)).ok_or_else(|| Error::NoNumber((*text).to_owned()))
            };
            let numbers: Vec<(f64, f64)> = given.iter().map(number).collect::<Result<_, _>>()?;
            let answer = if method == Method::Mean { mean(&numbers, total) } else { median(&numbers, total) };
            let near = |it: &&(f64, f64)| (it.0 - answer).abs() <= 1e-6 * answer.abs().max(1.0);
            let agreement = numbers.iter().filter(near).fold(0.0, |sum, it| sum + it.1) / total;
            Ok(Combined { answer: Some(answer.to_string()), agreement, was_tied: false })
        }
    }
}

fn majority(given: &[(&str, f64)], total: f64, tie: Tie) -> Combined {
    // In the order in which they were first said.
    let mut sums: Vec<(&str, f64)> = Vec::new();
    for (answer, weight) in given {
        match sums.iter_mut().find(|it| it.0 == *answer) {
            Some(sum) => sum.1 += weight,
            None => sums.push((*answer, *weight)),
        }
    }
    let most = sums.iter().map(|it| it.1).fold(0.0, f64::max);
    let ahead: Vec<&str> = sums.iter().filter(|it| most - it.1 <= EQUAL * total).map(|it| it.0).collect();
    let was_tied = ahead.len() > 1;
    let answer = match tie {
        Tie::None if was_tied => None,
        Tie::Least if was_tied => {
            let column = Column::text("", ahead.iter().map(|it| Some((*it).to_owned())).collect());
            class_order(&column).into_iter().next()
        }
        _ => ahead.first().map(|it| (*it).to_owned()),
    };
    Combined { answer, agreement: most / total, was_tied }
}

fn mean(numbers: &[(f64, f64)], total: f64) -> f64 {
    numbers.iter().map(|(number, weight)| number * weight).sum::<f64>() / total
}

/// Where exactly half of the weight lies on either side, the middle of both.
fn median(numbers: &[(f64, f64)], total: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    sorted.retain(|it| it.1 > 0.0);
    let mut sum = 0.0;
    for (at, (number, weight)) in sorted.iter().enumerate() {
        sum += weight;
        if (sum - total / 2.0).abs() <= EQUAL * total {
            return sorted.get(at + 1).map_or(*number, |next| f64::midpoint(*number, next.0));
        }
        if sum > total / 2.0 {
            return *number;
        }
    }
    f64::NAN
}

/// The answers as a column.
pub(crate) fn column(name: &str, all: &[Combined]) -> Column {
    Column::text(name, all.iter().map(|it| it.answer.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voted(votes: &[&str], weights: &[f64], method: Method, tie: Tie) -> Combined {
        let votes: Vec<Option<String>> = votes.iter().map(|it| (!it.is_empty()).then(|| (*it).to_owned())).collect();
        let weights = super::weights(weights, votes.len()).unwrap();
        combine(&votes, &weights, method, tie).unwrap()
    }

    fn answer(votes: &[&str], weights: &[f64], method: Method, tie: Tie) -> Option<String> {
        voted(votes, weights, method, tie).answer
    }

    #[test]
    fn most_votes_win_by_weight() {
        let majority = voted(&["a", "b", "b"], &[], Method::Majority, Tie::First);
        assert_eq!((majority.answer.as_deref(), majority.was_tied), (Some("b"), false));
        assert!((majority.agreement - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(answer(&["a", "b", "b"], &[3.0, 1.0, 1.0], Method::Majority, Tie::First).as_deref(), Some("a"));
    }

    #[test]
    fn a_tie_is_settled_by_its_rule() {
        let votes = ["10", "9", ""];
        assert_eq!(answer(&votes, &[], Method::Majority, Tie::First).as_deref(), Some("10"));
        assert_eq!(answer(&votes, &[], Method::Majority, Tie::Least).as_deref(), Some("9"));
        assert_eq!(answer(&votes, &[], Method::Majority, Tie::None), None);
        assert!(voted(&votes, &[0.1, 0.1, 1.0], Method::Majority, Tie::First).was_tied);
    }

    #[test]
    fn numbers_have_a_mean_and_a_median() {
        let numbers = ["1", "2", "6"];
        assert_eq!(answer(&numbers, &[], Method::Mean, Tie::First).as_deref(), Some("3"));
        assert_eq!(answer(&numbers, &[], Method::Median, Tie::First).as_deref(), Some("2"));
        assert_eq!(answer(&numbers, &[1.0, 1.0, 2.0], Method::Mean, Tie::First).as_deref(), Some("3.75"));
        assert_eq!(answer(&numbers, &[1.0, 1.0, 2.0], Method::Median, Tie::First).as_deref(), Some("4"));
        assert_eq!(answer(&["1", "", "6"], &[], Method::Mean, Tie::First).as_deref(), Some("3.5"));
    }

    #[test]
    fn what_cannot_be_combined_is_refused() {
        let votes = [Some("red".to_owned())];
        assert_eq!(combine(&votes, &[1.0], Method::Mean, Tie::First), Err(Error::NoNumber("red".to_owned())));
        for weights in [vec![1.0], vec![0.0, 0.0], vec![-1.0, 2.0], vec![f64::NAN, 1.0]] {
            assert!(super::weights(&weights, 2).is_err());
        }
        assert_eq!(voted(&["", ""], &[], Method::Majority, Tie::First).answer, None);
    }

    #[test]
    fn fractions_are_averaged_where_nobody_says_how() {
        let votes = |all: [&str; 2]| vec![all.map(|it| Some(it.to_owned())).to_vec()];
        assert_eq!(Method::Auto.of(&votes(["1.5", "2"])), Method::Mean);
        assert_eq!(Method::Auto.of(&votes(["1", "2"])), Method::Majority);
        assert_eq!(Method::Auto.of(&votes(["1.5", "red"])), Method::Majority);
    }
}
